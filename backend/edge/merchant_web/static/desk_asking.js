/* Asking the server until there is an answer, and saying so meanwhile. */
'use strict';
// `signIn` says where to go when the desk is closed.
window.deskAsking = function (till, signIn) {
  const network = document.getElementById('network');
  const RETRY_MS = 2000, PATIENCE_MS = 8000;

  function offline(isOff, text) {
    network.hidden = !isOff;
    network.textContent = isOff ? text : '';
  }

  const wait = (ms) => new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    window.addEventListener('online', () => { clearTimeout(timer); resolve(); }, { once: true });
  });

  async function once(path, body) {
    const headers = { 'Accept': 'application/json', 'X-CSRFToken': till.dataset.token };
    if (body) headers['Content-Type'] = 'application/json';
    const way = body === undefined ? 'GET' : 'POST';
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('late')), PATIENCE_MS));
    const answer = await Promise.race([late, fetch(path, {
      method: way, headers: headers, credentials: 'same-origin', body: body ? JSON.stringify(body) : undefined,
    })]);
    return { status: answer.status, said: await answer.json() };
  }

  /* Ask until there is an answer: what is sent again is the same, so it happens once. */
  async function ask(path, body) {
    for (;;) {
      try {
        const answer = await once(path, body);
        if (answer.status === 401) { location.href = signIn(); return new Promise(() => {}); }
        if (answer.status < 500 && answer.status !== 429) { offline(false); return answer; }
        offline(true, answer.said.error.message + '。正在用同一笔号重试，请不要重复收款。');
      } catch (error) {
        offline(true, '网络中断，这一笔的结果还不知道。正在用同一笔号重试，请不要重复收款，也不要关闭页面。');
      }
      await wait(RETRY_MS);
    }
  }

  return { ask, wait, RETRY_MS };
};
