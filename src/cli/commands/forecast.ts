import type { BatchQuestion } from '../../app/remediation.ts';
import { ProblemsError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { tableText, widthFor } from '../render.ts';
import { configFor, configOptions } from '../shared-options.ts';

export const forecast = defineCommand({
  name: 'forecast',
  group: 'instances',
  summary: 'Forecast port conflicts, a full port range, instances that reach a limit, and how open tasks will go.',
  about:
    'Learns from what `problems fleet` has recorded in the state file, and from earlier attempts on such problems: see ' +
    'docs/learning.md. Each forecast comes with how accurate such forecasts have been so far. Forecasts of tasks are recorded next ' +
    'to the state file, if there is one, to be compared with what comes. Changes nothing else.',
  arguments: [],
  options: {
    batch: {
      type: 'text',
      value: 'what',
      about:
        'Instances that you are about to create: size=4,gap=2,start=1,explicit=0.5,hour=9. Gap and start are minutes, explicit is ' +
        'the share with a port of its own choice. Default: one instance now; the rest as in earlier batches.',
    },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems forecast', about: 'everything it can forecast' },
    { command: 'problems forecast --batch size=8,gap=0.5', about: 'eight instances, one every half minute' },
  ],
  exitCodes: [
    { code: 0, about: 'the forecasts were printed' },
    { code: 2, about: 'the Docker engine does not answer, or the state file cannot be read' },
  ],
  async run(invocation) {
    const { cwd, now, signal, options, screen } = invocation;
    const { json: asJson, batch, ...choice } = options;
    const question = batch === undefined ? {} : batchOf(batch);
    const [{ forecast: ask }, { forecastTasks }, { toJson }] = await Promise.all([
      import('../../app/remediation.ts'),
      import('../../app/learn.ts'),
      import('../../reporters/json.ts'),
    ]);
    const found = await withRemediation(
      invocation,
      { ...choice, registries: false, onlyLooking: true },
      (remediation) => ask(remediation, question),
    );
    const config = await configFor(choice, cwd, { ownOnly: true });
    const work = await forecastTasks({ cwd, config, now, signal, cache: true }, true);
    if (asJson) screen.out.write(toJson({ schemaVersion: 1, ...found, work }));
    else {
      const [{ forecastText }, { workForecastTable, workForecastText }] = await Promise.all([
        import('../../reporters/text/learning.ts'),
        import('../../reporters/text/learned.ts'),
      ]);
      const { out } = screen;
      const width = widthFor(out);
      out.write(`${forecastText(found, out.style, width)}${out.style('strong', 'Open tasks')}\n`);
      if (work.tasks.length > 0) out.write(await tableText(workForecastTable(work), out));
      out.write(workForecastText(work, width));
    }
    return 0;
  },
});

/** Each word of `--batch`, with its property and bounds. */
const words: Readonly<
  Record<string, { readonly key: keyof BatchQuestion; readonly least: number; readonly most: number }>
> = {
  size: { key: 'size', least: 1, most: 10_000 },
  gap: { key: 'gapMinutes', least: 0, most: 100_000 },
  start: { key: 'startMinutes', least: 0, most: 100_000 },
  explicit: { key: 'explicitPorts', least: 0, most: 1 },
  hour: { key: 'hour', least: 0, most: 23 },
};

function batchOf(text: string): BatchQuestion {
  const pairs = text.split(',').map((part) => {
    const [, name = '', number = ''] = /^([a-z]+)=(\d{1,6}(?:\.\d{1,6})?)$/.exec(part.trim()) ?? [];
    const word = Object.hasOwn(words, name) ? words[name] : undefined;
    const value = Number(number);
    const isWhole = Number.isInteger(value) || (name !== 'size' && name !== 'hour');
    if (word === undefined || value < word.least || value > word.most || !isWhole)
      throw new ProblemsError('bad-usage', `Invalid batch "${part.trim()}".`, {
        hint: 'Use size=4,gap=2,start=1,explicit=0.5,hour=9; explicit is at most 1, hour at most 23.',
      });
    return [word.key, value] as const;
  });
  return Object.fromEntries(pairs);
}
