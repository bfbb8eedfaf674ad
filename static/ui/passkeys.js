/* Passkeys: asks the server what to ask for, the browser for it, and brings the answer back.
   A box with data-passkey is shown only where this works; without it pages offer the other ways. */
(() => {
  'use strict';
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  const bytes = text => Uint8Array.from(
    atob(text.replace(/-/g, '+').replace(/_/g, '/')), char => char.charCodeAt(0));
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  let waiting;  // what ends the offer in the address field before a button asks

  async function ask(url, body) {
    const token = document.querySelector('input[name=csrfmiddlewaretoken]');
    const response = await fetch(url, {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        'X-CSRFToken': token ? token.value : '',
      },
      body: JSON.stringify(body),
    });
    let answer = {};
    try { answer = await response.json(); } catch { /* a page, not an answer */ }
    if (response.ok) return answer;
    if (answer.confirm) {
      location.assign(answer.confirm + '?next=' + encodeURIComponent(location.pathname));
      return new Promise(() => {});
    }
    throw new Error(answer.error || 'This did not work. Load the page again, and try once more');
  }

  /* Browsers of before 2025 read and write no JSON. */
  const described = list => (list || []).map(one => ({ ...one, id: bytes(one.id) }));
  function forCreation(options) {
    if (PublicKeyCredential.parseCreationOptionsFromJSON)
      return PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: described(options.excludeCredentials),
    };
  }
  function forRequest(options) {
    if (PublicKeyCredential.parseRequestOptionsFromJSON)
      return PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: described(options.allowCredentials),
    };
  }
  function written(credential) {
    const said = credential.response;
    const response = { clientDataJSON: text(said.clientDataJSON) };
    if (said.attestationObject) {
      response.attestationObject = text(said.attestationObject);
      response.transports = said.getTransports ? said.getTransports() : [];
    } else {
      response.authenticatorData = text(said.authenticatorData);
      response.signature = text(said.signature);
      if (said.userHandle) response.userHandle = text(said.userHandle);
    }
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
  }

  function say(box, words) {
    const place = box.querySelector('[data-passkey-says]');
    place.querySelector('span').textContent = words;
    place.hidden = !words;
  }
  function words(error) {
    if (error.name === 'NotAllowedError') return 'Nothing was chosen, or it took too long.';
    if (error.name === 'InvalidStateError') return 'This passkey was added already.';
    return /[.!?]$/.test(error.message) ? error.message : error.message + '.';
  }

  async function signIn(box, more) {
    const options = await ask(box.dataset.begin, {});
    const credential = await navigator.credentials.get({ publicKey: forRequest(options), ...more });
    const kept = document.querySelector('input[name=kept]');
    const answer = await ask(box.dataset.complete, {
      credential: written(credential), kept: !!kept && kept.checked,
    });
    location.assign(answer.next);
  }
  async function make(box) {
    const options = await ask(box.dataset.begin, {});
    const credential = await navigator.credentials.create({ publicKey: forCreation(options) });
    const name = box.querySelector('input[name=name]');
    const answer = await ask(box.dataset.complete, {
      credential: written(credential), name: name ? name.value : '',
    });
    if (answer.codes) box.querySelector('form[data-passkey-codes]').requestSubmit();
    else location.assign(answer.next);
  }

  /* In the address field, for as long as the page is open: a question is good for five minutes. */
  function offer(box) {
    const mine = waiting = new AbortController();
    setTimeout(() => {
      if (waiting !== mine || mine.signal.aborted) return;
      mine.abort();
      offer(box);
    }, 240000);
    signIn(box, { mediation: 'conditional', signal: mine.signal }).catch(error => {
      if (error.name !== 'AbortError' && error.name !== 'NotAllowedError') say(box, words(error));
    });
  }

  document.querySelectorAll('[data-passkey]').forEach(box => {
    const button = box.querySelector('[data-passkey-go]');
    const act = box.dataset.passkey === 'new' ? make : signIn;
    box.hidden = false;
    button.addEventListener('click', async event => {
      event.preventDefault();
      if (waiting) waiting.abort();
      say(box, '');
      button.disabled = true;
      try { await act(box); } catch (error) { say(box, words(error)); }
      button.disabled = false;
    });
    if (!document.querySelector('input[autocomplete~=webauthn]')) return;
    PublicKeyCredential.isConditionalMediationAvailable?.().then(can => { if (can) offer(box); });
  });
})();
