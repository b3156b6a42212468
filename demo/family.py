"""What the family says, and what it gets to see."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from demo.report import CameraReport, Report
from demo.stages import Stages
from home import Home
from home.cloud import Cloud
from simulators.amazon.alexa import Alexa
from simulators.echo.watch import Watch


def watch_all(home: Home, alexa: Alexa, stages: Stages, report: Report, directory: Path) -> None:
    """Discover the cameras, ask for each by name, and write each first picture as a PNG into ``directory``."""
    with stages.stage("pictures", "the family speaks"):
        endpoints = alexa.discover()
        print(f'   "Alexa, discover devices": {len(endpoints)} cameras', flush=True)
        for camera in home.inventory.cameras:
            sentence = f"Alexa, show the {camera['name'].lower()} camera"
            stream = alexa.show(alexa.find(f"the {camera['name'].lower()} camera"))
            seen = home.echo(stream.uri)
            png = directory / f"{camera['id']}.png"
            report.cameras[camera["id"]] = _describe(camera["name"], sentence, seen, png)
            print(f'   "{sentence}": first picture after {seen.steps_ms["first_picture"]:.0f} ms, {png}', flush=True)
    report.chain = [certificate_name(certificate) for certificate in home.served_chain()]


def compare_direct(home: Home, cloud: Cloud, stages: Stages, report: Report) -> None:
    """Ask for each camera again with the gateway switched off, and switch it on again."""
    with stages.stage("without the gateway", "the same cameras straight from LIVE555, for comparison"):
        home.site("--tags", "gateway,haproxy", "-e", '{"gateway_enabled": false}', environment=cloud.environment)
        with home.alexa(sign_streams=False) as alexa:
            alexa.discover()
            for camera in home.inventory.cameras:
                stream = alexa.show(alexa.find(f"the {camera['name'].lower()} camera"))
                seen = home.echo(stream.uri)
                report.cameras[camera["id"]].direct_steps_ms = _rounded(seen.steps_ms)
                print(f"   {camera['name']}: first picture after {seen.steps_ms['first_picture']:.0f} ms", flush=True)
        home.site("--tags", "gateway,haproxy", environment=cloud.environment)


def certificate_name(certificate: x509.Certificate) -> str:
    """A certificate's common name; of one that has none, its first DNS name."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if names:
        return str(names[0].value)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return alternatives.value.get_values_for_type(x509.DNSName)[0]


def _rounded(steps_ms: dict[str, float]) -> dict[str, float]:
    return {step: round(milliseconds, 1) for step, milliseconds in steps_ms.items()}


def _describe(name: str, sentence: str, seen: Watch, png: Path) -> CameraReport:
    facts = seen.png(png)
    return CameraReport(
        name=name,
        sentence=sentence,
        png=png.name,
        width=facts.width,
        height=facts.height,
        codec=facts.codec,
        profile=facts.profile,
        keyframe_bytes=seen.keyframe_bytes,
        steps_ms=_rounded(seen.steps_ms),
    )
