// Keeps the page fresh and plays recordings in place. Without it everything is there, too, once in half a minute.
"use strict";
const PICTURE_SECONDS = 10;
const PAGE_SECONDS = 15;
const STALE_SECONDS = 180;

const stale = document.getElementById("stale");
const player = document.getElementById("player");
const video = player.querySelector("video");
const problem = document.getElementById("player-problem");
let writtenAt = Number(document.body.dataset.at);

function judgeAge(unreachable) {
  const age = Date.now() / 1000 - writtenAt;
  stale.hidden = !unreachable && age < STALE_SECONDS;
  const text = unreachable
    ? "The appliance does not answer, so what you see is old."
    : `This page was written ${Math.round(age / 60)} minutes ago. Its service has stopped, or the clocks differ.`;
  if (!stale.hidden && stale.textContent !== text) stale.textContent = text;
}

// The next picture takes the place of the last one when it is all there, so that nothing flickers.
function freshPictures() {
  for (const image of document.querySelectorAll("img[data-live]")) {
    const next = new Image();
    next.onload = () => { image.src = next.src; };
    next.src = `${image.src.split("?")[0]}?t=${Date.now()}`;
  }
}

async function freshPage() {
  try {
    const answer = await fetch("/", { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (fresh.querySelectorAll("img[data-live]").length !== document.querySelectorAll("img[data-live]").length) {
      if (!player.open) location.reload();
      return;
    }
    writtenAt = Number(fresh.body.dataset.at);
    for (const part of document.querySelectorAll("[data-part]")) {
      const now = fresh.getElementById(part.id);
      if (!now || now.outerHTML === part.outerHTML) continue;
      // Whoever goes through the page by keys stays where he is.
      const link = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      part.replaceWith(document.adoptNode(now));
      if (link) now.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
    }
    judgeAge(false);
  } catch {
    judgeAge(true);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-clip]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  document.getElementById("player-title").textContent = link.dataset.clip;
  problem.textContent = "";
  video.src = link.href;
  player.showModal();
  video.play().catch(() => {}); // told by the error event, or waits for a touch of its button
});
video.addEventListener("error", () => {
  if (player.open) problem.textContent = "This recording cannot be played. It may have been deleted since.";
});
player.addEventListener("close", () => {
  video.pause();
  video.removeAttribute("src");
  video.load();
});

judgeAge(false);
setInterval(freshPictures, PICTURE_SECONDS * 1000);
setInterval(freshPage, PAGE_SECONDS * 1000);
