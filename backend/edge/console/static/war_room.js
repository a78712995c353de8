// The war room's figures: a stream, or, where there is no place for one, a question every two seconds.
"use strict";

(() => {
  const room = document.querySelector("[data-live]");
  const link = room.querySelector("[data-link]");
  const picture = room.querySelector("[data-chart-dark]");
  const POLL_EVERY_MS = 2000;

  function say(words) {
    if (link.textContent !== words) link.textContent = words;
  }

  function show(told, words) {
    for (const [name, markup] of Object.entries(told.parts)) {
      room.querySelector(`[data-part="${name}"]`).innerHTML = markup;
    }
    picture.dataset.chart = told.chart;
    say(words);
  }

  async function poll() {
    try {
      const answer = await fetch(room.dataset.figures);
      if (answer.redirected) {  // the sign-in is over
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(answer.status);
      show(await answer.json(), "每 2 秒刷新");
    } catch {
      say("连接中断，正在重试");
    }
    setTimeout(poll, POLL_EVERY_MS);
  }

  const stream = new EventSource(room.dataset.live);
  stream.onmessage = (event) => show(JSON.parse(event.data), "实时更新中");
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) poll();
    else say("连接中断，正在重试");
  };

  const fullScreen = room.querySelector("[data-full-screen]");
  fullScreen.hidden = !document.fullscreenEnabled;
  fullScreen.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  });
})();
