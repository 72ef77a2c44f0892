import { z } from 'zod';
import { automations, problemClasses } from '../tasks/types.ts';
import { alertKeys } from './alerts.ts';

/** The schema of problems.config.*. Strict: an unknown key is an error that suggests the nearest known key. */

const path = z.string().min(1).max(1000);
const name = z
  .string()
  .regex(
    /^[\p{L}\p{N}_-][\p{L}\p{N}._-]*(\/[\p{L}\p{N}_-][\p{L}\p{N}._-]*)*$/u,
    'use letters, digits, dots, dashes, underscores and slashes',
  )
  .max(100);
const queueName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/, 'use letters, digits, dots, dashes, underscores, colons and slashes')
  .max(200);
const problemId = z.string().min(1).max(200);
const scale = z.number().min(0.001).max(1000).exactOptional();
const level = z.number().min(0).max(1_000_000).exactOptional();
const hours = z.number().min(0).max(100_000).exactOptional();

const Priority = z.strictObject({
  profile: z
    .enum(['published', 'elastic', 'learned'])
    .exactOptional()
    .describe(
      '`published` multiplies each factor with its weight, `elastic` takes the weight as an exponent, `learned` begins with ' +
        '`published` and goes over to what earlier attempts have shown.',
    ),
  urgency: z.strictObject({ critical: scale, high: scale, medium: scale, low: scale }).exactOptional(),
  cost: z.strictObject({ minimal: scale, moderate: scale, heavy: scale }).exactOptional(),
  weights: z.strictObject({ impact: scale, urgency: scale, success: scale, cost: scale }).exactOptional(),
  bands: z
    .strictObject({ critical: level, high: level, medium: level })
    .exactOptional()
    .describe('The lowest score of each band; scores below `medium` are low.'),
  cooldown: z
    .strictObject({ baseHours: hours, maximumHours: hours })
    .exactOptional()
    .describe('The waiting period after the first failure, which doubles with each, and the longest one. In hours.'),
});

const Automation = z.enum(automations);

const Triage = z.strictObject({
  problems: z
    .record(problemId, Automation)
    .exactOptional()
    .describe('Whether repairs of these problems may run unattended, by problem id.'),
  classes: z
    .partialRecord(z.enum(problemClasses), Automation)
    .exactOptional()
    .describe('Whether repairs of problems of these classes may run unattended.'),
});

const schedule = z.string().min(2).max(100);

const Service = z.strictObject({
  ...alertKeys,
  listen: z
    .string()
    .min(1)
    .max(300)
    .exactOptional()
    .describe('Where it listens: `host:port`, or `unix:/path`. Default: 127.0.0.1:4817.'),
  tls: z
    .strictObject({ certificate: path, key: path })
    .exactOptional()
    .describe(
      'Files of the certificate, with its chain, and of its key, in PEM, relative to this file. Default: no TLS.',
    ),
  proxy: z
    .string()
    .min(1)
    .max(300)
    .exactOptional()
    .describe('The origin by which browsers reach the proxy in front: https://problems.example.org.'),
  rounds: schedule
    .exactOptional()
    .describe('When all remediators check all instances: `5m`, or a cron pattern in UTC. Default: 5m.'),
  look: z
    .string()
    .regex(/^[1-9]\d{0,4}(?:s|m|h)$/, 'use an interval such as 30s')
    .exactOptional()
    .describe('How often each instance is asked whether it answers. Default: 30s.'),
  backups: z
    .strictObject({
      verify: schedule
        .exactOptional()
        .describe(
          'When the newest backup of each instance, and new ones, are verified up to L3. Default: daily at 02:30.',
        ),
      drill: schedule
        .exactOptional()
        .describe('When the newest backup of each instance is restored and compared (L5). Default: Sundays at 04:00.'),
      archive: schedule
        .exactOptional()
        .describe('When its archive of WAL is tried too (L6). Default: the first Sunday of the month at 06:00.'),
    })
    .exactOptional()
    .describe('When backups are verified: cron patterns in UTC, or `off`.'),
  remediate: z
    .enum(['off', 'auto-only'])
    .exactOptional()
    .describe('Whether rounds repair what may run unattended by the policy. Default: off.'),
  record: z
    .boolean()
    .exactOptional()
    .describe('Whether rounds write into the registries and bring the queue up to date. Default: false.'),
  engines: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/, 'use letters, digits, dots, dashes, underscores'),
        host: z.string().min(1).max(300).describe('As DOCKER_HOST: unix:///var/run/docker.sock or tcp://host:2376.'),
        certificates: path
          .exactOptional()
          .describe('Folder of ca.pem, cert.pem and key.pem, relative to this file. With it, TLS is used.'),
      }),
    )
    .min(1)
    .max(50)
    .exactOptional()
    .describe('The Docker engines to check. Default: the one that the environment names.'),
});

export const Config = z
  .strictObject({
    $schema: z.string().exactOptional().describe('For editors: the JSON Schema of this file.'),
    components: z
      .record(path, name)
      .exactOptional()
      .describe(
        'The component of a registry, by its folder or file, relative to this file: `.` is the folder of this file.',
      ),
    ignore: z
      .array(path)
      .max(1000)
      .exactOptional()
      .describe('Paths that are not scanned, as in .gitignore, relative to this file.'),
    priority: Priority.exactOptional().describe('How estimates become a score. docs/priority.md has the defaults.'),
    triage: Triage.exactOptional().describe('Whether repairs may run unattended, overriding what registries say.'),
    tasks: z
      .strictObject({
        dir: path
          .exactOptional()
          .describe(
            "The swarm-manager's tasks folder, relative to this file: cooldowns follow from the attempts in it.",
          ),
      })
      .exactOptional()
      .describe('The backlog of the swarm.'),
    swarm: z
      .strictObject({
        store: z
          .string()
          .regex(/^postgres(?:ql)?:\/\//i, 'use a URL such as postgres://user@host/database')
          .max(4_096)
          .exactOptional()
          .describe(
            'The PostgreSQL database of the queue, as a URL without a password. Default: the state file of this machine.',
          ),
        project: queueName
          .exactOptional()
          .describe(
            'The name of this project in that database: the same on every machine, another one for each project.',
          ),
        engine: queueName
          .exactOptional()
          .describe(
            'The id of the Docker engine that runs what this project is about: only workers of that engine get its repairs.',
          ),
      })
      .exactOptional()
      .describe('The queue of tasks: docs/swarm.md.'),
    learning: z
      .strictObject({
        enabled: z.boolean().exactOptional().describe('Whether anything is learned from attempts. Default: true.'),
        reported: z
          .number()
          .min(0)
          .max(1)
          .exactOptional()
          .describe('What an attempt counts for that a worker reported and the engine did not verify. Default: 0.5.'),
        halfLifeDays: z
          .number()
          .min(1)
          .max(3_650)
          .exactOptional()
          .describe('Days after which an attempt counts half. Default: 45.'),
        since: z.iso
          .date()
          .exactOptional()
          .describe('Attempts that ended before this day are left out. Default: none is.'),
      })
      .exactOptional()
      .describe('What is learned from earlier attempts: docs/learning.md.'),
    remediation: z
      .record(z.string(), z.unknown())
      .exactOptional()
      .describe('Settings of the remediation engine, checked by it.'),
    service: Service.exactOptional().describe('What `problems serve` does, and when: docs/service.md.'),
    plugins: z
      .array(path)
      .max(100)
      .exactOptional()
      .describe(
        'Modules that add remediators and actions: package names or relative paths. They run only if you trust them.',
      ),
  })
  .describe('The settings of a repository: problems.config.json, .yaml, .yml, .js, .mjs or .ts.');
