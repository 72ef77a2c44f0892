import { useState } from 'preact/hooks';
import { type Content, html } from './elements.ts';
import { useView } from './live.ts';

/** The engine of the pages that show one at a time; kept while the page is open. */
let last: string | undefined;

/**
 * Which engine a page is about: the first one of the config, until someone chooses another one.
 * @returns Its name; and the choice, which names it, where there are several.
 */
export function useEngine(): { readonly engine: string; readonly choice: Content } {
  const { view } = useView();
  const [chosen, setChosen] = useState(last);
  const names = view.engines.map(({ name }) => name);
  const engine = names.find((name) => name === chosen) ?? names[0] ?? 'local';
  const choose = (event: { readonly currentTarget: HTMLSelectElement }) => {
    last = event.currentTarget.value;
    setChosen(last);
  };
  const choice =
    names.length < 2
      ? undefined
      : html`<label class="field"
          ><span>Engine</span
          ><select value=${engine} onChange=${choose}>
            ${names.map((name) => html`<option value=${name} selected=${name === engine}>${name}</option>`)}
          </select></label
        >`;
  return { engine, choice };
}
