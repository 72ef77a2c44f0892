import { z } from 'zod';

/** The keys of the section `service` that are about alerts: who is told, and when not. src/service/alerts has the defaults. */

/** The most severe first. */
export const severities = ['critical', 'high', 'medium', 'low'] as const;

const secretUrl = z
  .string()
  .regex(
    /^(?:env:[A-Za-z_]\w{0,99}|file:\/.{1,1000})$/,
    'use env:NAME or file:/absolute/path, which keep the URL secret',
  )
  .describe('Where the URL is: `env:NAME` is a variable of the environment, `file:/path` a file with one line.');

const instances = z.array(z.string().min(1).max(200)).min(1).max(1_000);

const shared = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'use lower-case letters, digits and dashes')
    .exactOptional()
    .describe('The name in metrics and on the page. Default: what `to` says, with a number from the second on.'),
  min: z.enum(severities).exactOptional().describe('The lowest severity that is sent. Default: medium.'),
  instances: instances
    .exactOptional()
    .describe('Only alerts about these instances, and about the service itself. Default: all.'),
};

const channel = z.discriminatedUnion('to', [
  z.strictObject({ to: z.literal('webhook'), url: secretUrl, ...shared }),
  z.strictObject({ to: z.literal('slack'), url: secretUrl, ...shared }),
  z.strictObject({
    to: z.literal('alertmanager'),
    url: z
      .string()
      .max(2_000)
      .regex(
        /^(?:env:[A-Za-z_]\w{0,99}|file:\/.+|https?:\/\/[^/@?#\s]+(?:\/[^@?#\s]*)?)$/,
        'use http://host:port, https://host:port, env:NAME or file:/absolute/path; a URL with a password needs one of the last two',
      )
      .describe('Its address, such as http://127.0.0.1:9093, or `env:NAME` or `file:/path` as for a webhook.'),
    ...shared,
  }),
]);

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 02:30');

export const alertKeys = {
  alerts: z.array(channel).max(20).exactOptional().describe('Who is told of alerts: docs/alerts.md.'),
  remindHours: z
    .number()
    .min(0.25)
    .max(720)
    .exactOptional()
    .describe('After how many hours an alert that still fires, and is not acknowledged, is sent again. Default: 4.'),
  quiet: z
    .array(
      z.strictObject({
        days: z
          .array(z.enum(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']))
          .min(1)
          .exactOptional()
          .describe('The days on which it begins. Default: every day.'),
        from: time,
        to: time,
        instances: instances.exactOptional().describe('Only alerts about these instances. Default: all alerts.'),
      }),
    )
    .max(100)
    .exactOptional()
    .describe(
      'When alerts are held back, in UTC. `to` before `from` ends on the next day. What still holds at the end is sent then.',
    ),
};

const section = z.strictObject(alertKeys);

export type AlertSection = z.output<typeof section>;
