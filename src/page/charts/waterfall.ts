import type { ListedTask } from '../answers.ts';
import { figure } from '../format.ts';
import { type Content, html } from '../elements.ts';

type Factors = ListedTask['task']['priority']['factors'];

interface Stage {
  readonly sign: '' | '×' | '÷';
  readonly name: string;
  readonly factor: number;
  readonly before: number;
  readonly after: number;
  readonly why: string;
}

const divisors: readonly string[] = ['cost', 'cooldown'];

/** The product after each factor: impact × urgency × success ÷ cost ÷ cooldown. */
export function stagesOf(factors: Factors): readonly Stage[] {
  let product = 0;
  return factors.map(({ name, weighted, provenance, reason, estimate }, index) => {
    const before = product;
    const divides = divisors.includes(name);
    if (index === 0) product = weighted;
    else product = divides ? before / weighted : before * weighted;
    return {
      sign: index === 0 ? '' : divides ? '÷' : '×',
      name,
      factor: weighted,
      before,
      after: product,
      why: name === 'cooldown' ? reason : `${estimate}, ${provenance}. ${reason}`,
    };
  });
}

/** The score as a waterfall: what each factor adds or takes. It is a table itself, with bars inside. */
export function waterfall(factors: Factors, score: number): Content {
  const stages = stagesOf(factors);
  const top = Math.max(score, ...stages.map(({ after }) => after), 1e-9);
  const at = (value: number) => (value / top) * 100;
  return html`<table class="waterfall">
    <caption class="hidden">
      How the score is made
    </caption>
    <thead class="hidden">
      <tr>
        <th scope="col">Factor</th>
        <th scope="col">Value</th>
        <th scope="col">Effect</th>
        <th scope="col">Product</th>
      </tr>
    </thead>
    <tbody>
      ${stages.map(({ sign, name, factor, before, after, why }) => {
        const less = after < before;
        const [low, high] = less ? [after, before] : [before, after];
        return html`<tr>
          <th scope="row"><span class="name">${name}</span><span class="note">${why}</span></th>
          <td class="right">${sign}${'\u00a0'}${figure(factor)}</td>
          <td class="effect">
            <svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
              <rect
                class=${less ? 'less' : 'more'}
                x=${at(low)}
                y="2"
                width=${Math.max(0.6, at(high) - at(low))}
                height="12"
              /></svg
            ><span class="hidden">${less ? 'lowers' : after === before ? 'leaves' : 'raises'} the score</span>
          </td>
          <td class="right">${figure(after)}</td>
        </tr>`;
      })}
      <tr class="sum">
        <th scope="row">Score</th>
        <td></td>
        <td class="effect">
          <svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
            <rect class="total" x="0" y="2" width=${at(score)} height="12" />
          </svg>
        </td>
        <td class="right"><b>${figure(score)}</b></td>
      </tr>
    </tbody>
  </table>`;
}

/** The product with other values on the scales, by the weights of the settings in use. */
export function productWith(factors: Factors, scales: Readonly<Record<string, number>>): number {
  return factors.reduce((product, { name, scale, weight, weighted }, index) => {
    // The published profile multiplies by the weight, the elastic one takes it as exponent.
    const published = Math.abs(scale * weight - weighted) < 1e-6;
    const value = scales[name] ?? scale;
    const factor = published ? value * weight : value ** weight;
    if (index === 0) return factor;
    return divisors.includes(name) ? product / factor : product * factor;
  }, 0);
}
