/* The till: amount, Enter, scan, what to collect, confirm. After desk_typed.js and desk_asking.js.
 *
 * One request number stands for one sale from the moment its amount is entered until its end is
 * known. It outlives a reload, and whatever is sent again is sent under it: the server answers the
 * same sale and never makes a second one. Without an answer the page asks, and never guesses.
 */
'use strict';
(function () {
  const { narrow, asAmount, asScan, fenOf, onEnd } = window.deskTyped;
  const till = document.getElementById('till');
  const { ask, wait, RETRY_MS } = window.deskAsking(till,
    () => till.dataset.signIn + (sale && sale.isSent ? '?sale=open' : ''));
  const field = (id) => document.getElementById(id);
  const amount = field('amount'), code = field('code'), payer = field('payer');
  const confirmKey = field('confirm'), cancelKey = field('cancel'), freshKey = field('fresh');
  const offerKey = field('offer'), qr = field('qr');
  const sales = till.dataset.sales, codes = till.dataset.codes;
  const KEPT = 'huiquan-sale';
  const TODAY_MS = 15000;
  const SETTLE_MS = 600; // an Enter that comes twice must not confirm
  let sale = null;   // {id, amount, isSent, number of its amount code}: kept over a reload
  let order = null;  // what the server says of it
  let isBusy = false, shownAt = 0, sound = null;

  /* What is shown and heard */

  function tell(tone, headline, big, say) {
    field('result').dataset.tone = tone;
    field('headline').textContent = headline;
    field('big').textContent = big || '';
    field('say').textContent = say || '';
    qr.hidden = true;
    shownAt = Date.now();
  }

  function beep(hertz) {
    try {
      sound = sound || new (window.AudioContext || window.webkitAudioContext)();
      const tone = sound.createOscillator(), volume = sound.createGain();
      tone.frequency.value = hertz;
      volume.gain.value = 0.2;
      tone.connect(volume);
      volume.connect(sound.destination);
      tone.start();
      tone.stop(sound.currentTime + (hertz < 400 ? 0.5 : 0.15));
    } catch (error) { /* a computer without sound still sells */ }
  }

  function keys(canConfirm, canCancel) {
    confirmKey.disabled = !canConfirm;
    cancelKey.disabled = !canCancel;
  }

  function lock(isLocked) {
    [amount, code, payer].forEach((input) => { if (input) input.readOnly = isLocked; });
    offerKey.disabled = isLocked;
    freshKey.disabled = isLocked;
  }

  /* What is remembered, and what was refused */

  function keep() {
    if (sale) sessionStorage.setItem(KEPT, JSON.stringify(sale));
    else sessionStorage.removeItem(KEPT);
  }

  function refused(said) {
    const error = said.error, details = error.details || {};
    const name = details.name ? '扫到的是' + details.name + '。' : '';
    const reasons = (details.reasons || []).map((reason) => reason.sentence).join('\n');
    if (error.code === 'form_expired') { location.reload(); return; }
    tell('bad', '没有成功', '', name + error.message + (reasons ? '\n' + reasons : ''));
    beep(220);
  }

  /* One sale */

  function fresh() {
    if (isBusy) return;
    sale = order = null;
    keep();
    [amount, code, payer].forEach((input) => { if (input) input.value = ''; });
    lock(false);
    keys(false, false);
    tell('calm', '请输入金额');
    amount.focus();
  }

  function amountDone() {
    const fen = fenOf(amount.value);
    if (fen < 1) {
      tell('bad', '请先输入金额', '', '只填数字，最多两位小数，如 85.50');
      beep(220);
      amount.value = '';
      amount.focus();
      return;
    }
    if (!sale || sale.amount !== amount.value) {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      sale = { id: Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(''), amount: amount.value, isSent: false };
      order = null;
      keep();
    }
    tell('calm', '请扫顾客的消费券付款码', '¥' + (fen / 100).toFixed(2));
    code.focus();
  }

  async function send() {
    if (isBusy) return;
    if (!sale || order) { amountDone(); if (!sale || order) return; }
    const scanned = code.value, payerScanned = payer ? payer.value : '';
    code.value = '';
    if (payer) payer.value = '';
    if (!scanned) { tell('bad', '请扫顾客的消费券付款码'); beep(220); code.focus(); return; }
    isBusy = true;
    sale.isSent = true;
    keep();
    lock(true);
    tell('calm', '正在处理…');
    const body = { request_id: sale.id, order_amount_fen: fenOf(sale.amount), scanned: scanned };
    if (payerScanned) body.payer_scanned = payerScanned;
    const answer = await ask(sales, body);
    isBusy = false;
    if (answer.status === 201) { show(answer.said); return; }
    if (answer.said.error.code === 'request_id_reused') { resolve(); return; }
    sale.isSent = false;
    keep();
    lock(false);
    refused(answer.said);
    code.focus();
  }

  async function resolve() {
    isBusy = true;
    lock(true);
    tell('calm', '正在查询上一笔的结果…');
    const answer = await ask(sales + '/of-request/' + sale.id);
    isBusy = false;
    if (answer.status === 200) { show(answer.said); return; }
    if (answer.status !== 404) { // what became of it is not known yet: a scan asks again
      lock(false);
      refused(answer.said);
      code.focus();
      return;
    }
    sale.isSent = false;
    keep();
    lock(false);
    tell('bad', '上一笔没有成交', '', '顾客的券没有用掉。请让顾客刷新付款码，再扫一次。');
    code.focus();
  }

  async function offer() {
    if (isBusy || order) return;
    amountDone();
    if (!sale) return;
    isBusy = true;
    lock(true);
    const answer = await ask(codes, { request_id: sale.id, order_amount_fen: fenOf(sale.amount) });
    isBusy = false;
    lock(false);
    if (answer.status !== 201) { refused(answer.said); amount.focus(); return; }
    sale.number = answer.said.number;
    keep();
    watch(sale.number);
  }

  /* While the customer may scan the amount, nothing else is sold for it. */
  async function watch(number) {
    amount.readOnly = code.readOnly = offerKey.disabled = true;
    tell('collect', '请顾客扫码', '¥' + (fenOf(sale.amount) / 100).toFixed(2), '用消费券小程序扫，5 分钟内有效。');
    qr.src = codes + '/' + number + '.svg';
    qr.hidden = false;
    freshKey.focus();
    for (;;) {
      const answer = await ask(codes + '/' + number + '?poll=1');
      if (!sale || sale.number !== number) return;
      if (answer.status === 200 && answer.said.order_id) {
        const made = await ask(sales + '/' + answer.said.order_id);
        if (sale && sale.number === number && made.status === 200) show(made.said);
        return;
      }
      if (answer.status !== 200 || answer.said.is_over) {
        finish('bad', '金额码已过期', '', '顾客没有扫码下单。请重新输入金额。', 220);
        return;
      }
      await wait(RETRY_MS);
    }
  }

  function show(said) {
    order = said;
    amount.value = sale ? sale.amount : amount.value;
    lock(false);
    amount.readOnly = code.readOnly = offerKey.disabled = said.status === 'locked';
    const sums = '消费 ¥' + said.order_amount + '，券抵 ¥' + said.discount;
    if (said.status === 'locked' && said.at_till) {
      tell('collect', '请收', '¥' + said.payable, sums + '。收到钱后按“已收款”。');
      keys(true, true);
      confirmKey.focus();
      beep(880);
    } else if (said.status === 'locked') {
      const text = said.payment_status === 'unknown' ? '付款结果待确认，请稍候，不要重复收款' : '等待顾客付款';
      tell('collect', text, '¥' + said.payable, sums);
      keys(false, true);
      follow(said.order_id);
    } else if (said.status === 'redeemed' || said.status === 'refunded') {
      finish('good', '收款完成', '¥' + said.payable, sums + '。下一笔请直接输入金额。', 1175);
    } else {
      finish('bad', '这一单没有成交', '', '券已退回顾客卡包。如果已经收钱，请退给顾客，再重新收款。', 220);
    }
    today();
  }

  function finish(tone, headline, big, say, hertz) {
    sale = order = null;
    keep();
    lock(false);
    keys(false, false);
    amount.value = code.value = '';
    tell(tone, headline, big, say);
    beep(hertz);
    amount.focus();
  }

  async function follow(orderId) {
    for (;;) {
      await wait(RETRY_MS);
      if (!order || order.order_id !== orderId) return;
      const answer = await ask(sales + '/' + orderId + '?poll=1');
      if (!order || order.order_id !== orderId) return;
      if (answer.status === 200 && answer.said.status !== 'locked') { show(answer.said); return; }
    }
  }

  async function act(orderId, verb) {
    if (isBusy) return;
    isBusy = true;
    keys(false, false);
    const path = sales + '/' + orderId;
    const answer = await ask(path + '/' + verb, null);
    const isShown = order && order.order_id === orderId;
    // A refusal may mean that the order has ended meanwhile: show how.
    const now = answer.status === 200 || !isShown ? answer : await ask(path);
    isBusy = false;
    if (answer.status !== 200) refused(answer.said);
    else if (!isShown) tell('good', verb === 'confirm' ? '收款完成' : '已取消', '¥' + answer.said.payable);
    if (isShown && now.status === 200 && (answer.status === 200 || now.said.status !== 'locked')) show(now.said);
    else if (order) keys(order.at_till, true);
    today();
  }

  const confirmSale = () => {
    if (order && !confirmKey.disabled && Date.now() - shownAt > SETTLE_MS) act(order.order_id, 'confirm');
  };

  /* The part below */

  async function today() {
    try {
      const above = order ? '&above=' + order.order_id : '';
      const answer = await fetch(till.dataset.today + above, { credentials: 'same-origin' });
      const box = field('today');
      if (answer.ok && !box.contains(document.activeElement)) box.innerHTML = await answer.text();
    } catch (error) { /* the next one comes */ }
  }

  const isCode = (text) => text.length >= 16;
  onEnd(amount, asAmount, asAmount, (text) => fenOf(text) > 0, amountDone);
  onEnd(code, narrow, asScan, isCode, () => { if (payer && code.value) payer.focus(); else send(); });
  if (payer) onEnd(payer, narrow, asScan, isCode, send);
  field('sale').addEventListener('submit', (event) => event.preventDefault());
  confirmKey.addEventListener('click', confirmSale);
  cancelKey.addEventListener('click', () => { if (order) act(order.order_id, 'cancel'); });
  freshKey.addEventListener('click', fresh);
  offerKey.addEventListener('click', offer);
  field('today').addEventListener('click', (event) => {
    const { confirm, cancel } = event.target.dataset;
    if (confirm) act(confirm, 'confirm');
    if (cancel) act(cancel, 'cancel');
  });
  document.addEventListener('keydown', (event) => {
    const key = { F2: freshKey, F4: cancelKey, F8: offerKey, F9: confirmKey }[event.key];
    if (!key || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    if (!key.disabled && !event.repeat) key.click();
  });
  setInterval(() => { if (!document.hidden) today(); }, TODAY_MS);

  const kept = sessionStorage.getItem(KEPT);
  if (kept) {
    sale = JSON.parse(kept);
    amount.value = sale.amount;
    if (sale.number) watch(sale.number); else if (sale.isSent) resolve(); else amountDone();
  } else amount.focus();
}());
