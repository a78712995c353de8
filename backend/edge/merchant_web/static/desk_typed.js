/* What was typed or scanned at the till. A scanner gun is a keyboard. */
'use strict';
(function () {
  const ONE_END_MS = 80; // CR and LF of one scan
  let endedAt = 0, endedIn = null;

  // Full-width characters of a Chinese input method are the ASCII ones, moved by a constant.
  const narrow = (text) => text.replace(/[\uff01-\uff5e]/g,
    (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/\u3000/g, ' ').replace(/。/g, '.');
  const asAmount = (text) => narrow(text).replace(/[^0-9.]/g, '');
  // A link or another system's code is sent as it is, to be named; of all else only digits count.
  const asScan = (text) => {
    const read = narrow(text).trim();
    return /:\/\/|^000201/.test(read) ? read : read.replace(/[^0-9]/g, '');
  };
  const fenOf = (text) => {
    const found = /^([0-9]{1,7})(?:\.([0-9]{1,2}))?$/.exec(text);
    return found ? Number(found[1]) * 100 + Number((found[2] || '').padEnd(2, '0')) : 0;
  };

  /* A gun ends with CR, LF (Ctrl+J) or Tab, also while an input method composes. */
  function onEnd(input, asTyped, asMeant, isWhole, done) {
    let endsWithComposing = false;
    const finish = () => {
      // The rest of the same end: in the same field, or in the empty one that has the focus by now.
      const isRest = input === endedIn || input.value === '';
      if (isRest && Date.now() - endedAt < ONE_END_MS) return;
      endedAt = Date.now();
      endedIn = input;
      input.value = asMeant(input.value);
      done();
    };
    input.addEventListener('keydown', (event) => {
      if (event.repeat) { if (event.key === 'Enter') event.preventDefault(); return; }
      const isTab = (event.key === 'Tab' || event.code === 'Tab') && !event.shiftKey;
      const isEnter = event.key === 'Enter' || /^(Enter|NumpadEnter)$/.test(event.code);
      const isFeed = event.ctrlKey && (event.code === 'KeyJ' || event.code === 'KeyM');
      if (!isEnter && !isFeed && !(isTab && isWhole(asMeant(input.value)))) return;
      if (event.isComposing || event.keyCode === 229) { endsWithComposing = true; return; }
      event.preventDefault();
      finish();
    });
    input.addEventListener('compositionend', () => {
      // The text is in the field only after this event.
      setTimeout(() => {
        input.value = asTyped(input.value);
        if (endsWithComposing) { endsWithComposing = false; finish(); }
      }, 0);
    });
    input.addEventListener('input', (event) => {
      if (event.isComposing) return;
      const tidied = asTyped(input.value);
      if (tidied !== input.value) input.value = tidied;
    });
  }

  window.deskTyped = { narrow, asAmount, asScan, fenOf, onEnd };
}());
