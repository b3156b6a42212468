#include "link.hh"

#include <algorithm>

namespace {

constexpr Seconds connectPatience{3};    // SYNs go out after 0, 1 and 3 s: a camera that comes back is met at once
constexpr Seconds describePatience{8};   // some cameras wake their encoder first
constexpr Seconds quietBeforeProbe{5};
constexpr Seconds probePatience{4};      // with the above: a camera that hangs is noticed within 9 s
constexpr Seconds mediaPatience{9};      // viewers wait and the camera sends nothing, though it may answer requests

}  // namespace

CameraLink::CameraLink(UsageEnvironment& env, ViewerServer& server, std::string id, CameraConfig config, Log& log)
    : env_(env), server_(server), id_(std::move(id)), config_(std::move(config)), log_(log), nextTry_(Clock::now()) {
  server_.onReading(
      [this] {
        if (session_ != nullptr) session_->stopDraining();
      },
      [this] { drainSoon(); });
}

CameraLink::~CameraLink() {
  end();
  env_.taskScheduler().unscheduleDelayedTask(draining_);
  server_.onReading([] {}, [] {});
}

// Once the library is through with the viewer that this is about, and before it looks at the camera's connection again.
void CameraLink::drainSoon() { env_.taskScheduler().rescheduleDelayedTask(draining_, 0, drainNow, this); }

void CameraLink::drainNow(void* self) {
  auto& link = *static_cast<CameraLink*>(self);
  link.draining_ = nullptr;
  if (link.published_) link.session_->drain(link.server_);
}

void CameraLink::tick() {
  Time const now = Clock::now();
  if (session_ == nullptr) {
    if (now < nextTry_) return;
    opened_ = now;
    session_ = new CameraSession(env_, server_, id_, config_);  // sends DESCRIBE
  } else if (session_->client().trouble() != Trouble::none) {
    drop(now, session_->client().trouble(), session_->client().reason());
  } else if (published_) {
    watchStream(now);
  } else {
    watchOpening(now);
  }
}

void CameraLink::watchOpening(Time now) {
  if (session_->client().isDescribed()) {
    publish(now);
  } else if (now - opened_ > connectPatience && !session_->client().isConnected()) {
    drop(now, Trouble::away, "no connection");
  } else if (now - opened_ > describePatience) {
    drop(now, Trouble::away, "it does not describe its stream");
  }
}

void CameraLink::publish(Time now) {
  if (!session_->prepare()) {
    drop(now, Trouble::unfit, "its description holds no track that can be passed on");
    return;
  }
  published_ = true;
  server_.addServerMediaSession(session_);
  packets_ = 0;
  lastPacket_ = now;
  playing_ = probing_ = false;
  lastTrouble_ = Trouble::none;
  failures_ = 0;
  log_.line("camera is there: " + session_->trackNames());
  notifySystemd("STATUS=Camera is there.");
}

void CameraLink::watchStream(Time now) {
  CameraClient& client = session_->client();
  if (client.socketNum() < 0) {
    drop(now, Trouble::away, "the connection ended");
    return;
  }
  if (client.wasToldToPlay() && server_.numClientSessions() == 0) {
    // The library forgets to stop the camera for a viewer that left before the camera had started.
    drop(now, Trouble::away, "it plays for nobody");
    return;
  }
  unsigned long const packets = session_->packetsReceived();
  if (packets != packets_) lastPacket_ = now;
  packets_ = packets;
  if (!playing_ && server_.hasPlayingViewer()) playingSince_ = now;
  playing_ = server_.hasPlayingViewer();

  Time const lastSign = std::max(lastPacket_, client.lastAnswer());
  if (playing_ && now - std::max(lastPacket_, playingSince_) > mediaPatience) {
    drop(now, Trouble::away, "it sends no media");
  } else if (probing_ && lastSign < probed_) {
    if (now - probed_ > probePatience) drop(now, Trouble::away, "it does not answer");
  } else {
    probing_ = now - lastSign >= quietBeforeProbe;
    if (!probing_) return;
    probed_ = now;
    client.probe();
  }
}

void CameraLink::drop(Time now, Trouble trouble, std::string reason) {  // a copy: end() takes the owner away
  bool const wasThere = published_;
  bool const again = trouble == lastTrouble_;
  end();
  failures_ = again ? failures_ + 1 : 0;
  lastTrouble_ = trouble;
  nextTry_ = now + std::chrono::duration_cast<Clock::duration>(pause(trouble));
  if (again) return;
  log_.line((wasThere ? "camera lost: " : "no stream from the camera: ") + reason + "; trying again until it is there");
  notifySystemd("STATUS=No stream from the camera: " + reason + ".");
}

void CameraLink::end() {
  if (session_ == nullptr) return;
  if (published_) {
    server_.hangUp();
    server_.deleteServerMediaSession(session_);
  } else {
    Medium::close(session_);
  }
  session_ = nullptr;
  published_ = false;
}

// A camera that starts up may refuse connections or answer with errors for a while: keep at it. One that refuses the
// credentials may lock us out when asked too often.
Seconds CameraLink::pause(Trouble trouble) {
  double const doubled = static_cast<double>(1u << std::min(failures_, 6u));
  switch (trouble) {
    case Trouble::forbidden:
      return Seconds(std::min(5 * doubled, 60.0));
    case Trouble::unfit:
      return Seconds(std::min(doubled, 4.0));
    default:
      return Seconds(1);
  }
}
