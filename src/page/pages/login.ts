import { useState } from 'preact/hooks';
import { postPlain } from '../client.ts';
import { type Content, html, sentences, state } from '../elements.ts';
import { start } from '../live.ts';

/** Asks for a token. It goes to the server once, which answers with a cookie that scripts cannot read. */
export function Login(): Content {
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState('');
  const send = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFailure('');
    try {
      await postPlain('/login', { token: token.trim() });
      await start();
    } catch (error) {
      setFailure(sentences(error));
      setBusy(false);
    }
  };
  return html`<main class="login" id="content">
    <form method="post" action="/login" onSubmit=${send}>
      <p class="brand">problems</p>
      <h1 tabindex="-1">Sign in</h1>
      <p class="lead">This page shows the PostgreSQL instances that this service looks after.</p>
      <input type="text" name="username" autocomplete="username" value="problems" hidden />
      <label class="field"
        ><span>Token</span
        ><input
          type="password"
          name="token"
          required
          autocomplete="current-password"
          aria-describedby="token-hint"
          value=${token}
          onInput=${(event: { currentTarget: HTMLInputElement }) => setToken(event.currentTarget.value)}
      /></label>
      <p class="note" id="token-hint">
        The service printed one at its first start. <code>problems tokens add</code> makes another.
      </p>
      <button type="submit" class="strong" disabled=${busy}>${busy ? 'Signing in' : 'Sign in'}</button>
      <div role="alert">${failure === '' ? null : state('down', failure)}</div>
    </form>
  </main>`;
}
