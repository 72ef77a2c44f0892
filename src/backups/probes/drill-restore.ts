import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { HelperResult } from '../../host/docker/types.ts';
import { errorText } from '../../util/text.ts';
import { dumpReader } from '../plain-dump.ts';
import { tarOfFolder } from '../tar-stream.ts';
import { clientFolder, type DrillPrograms } from './drill-server.ts';
import type { DrillRequest } from './dump.ts';

/** The superuser of a server that a dump is restored into. */
export const drillSuperuser = 'problems_drill';

const worthKeeping = /ERROR|FATAL|error:|ended with|invalid command/;

/** Restores a dump into an empty server, and returns the errors. The backup itself is read here and not by the container. */
export async function restoreDump(programs: DrillPrograms, request: DrillRequest): Promise<readonly string[]> {
  const { kind, database, creates, globals, before, path } = request;
  const isPlain = kind === 'plain' || kind === 'plain-gzip' || kind === 'cluster';
  const asks = isPlain || globals !== undefined;
  const restrictKey = asks && (await knowsRestrict(programs)) ? randomBytes(16).toString('hex') : undefined;
  const faults: string[] = [];

  async function plain(file: string, into: string, sort: 'roles' | 'rows'): Promise<void> {
    const source = contentOf(
      join(request.folder, file),
      file.endsWith('.gz') || (file === path && kind === 'plain-gzip'),
    );
    const reader = dumpReader(restrictKey, { allowsRows: sort === 'rows' });
    // After an error, psql without \restrict would take rows for statements and its own commands.
    const stop = restrictKey === undefined && sort === 'rows' ? '-v ON_ERROR_STOP=1' : '';
    const result = await programs.asClient(`exec psql -X -q ${stop} -U ${drillSuperuser} >/dev/null`, {
      database: into,
      stdin: passedOn(source, reader),
    });
    faults.push(...faultsOf(result));
    const refused = reader.refusal();
    if (refused !== undefined) faults.push(`error: line ${refused.line} of ${file}: ${refused.reason}; it was not run`);
    if (source.failure !== undefined) faults.push(`error: ${file}: ${source.failure}`);
    if (result.exitCode !== 0) faults.push(`psql ended with ${result.exitCode}`);
  }

  async function archive(script: string, stdin: AsyncIterable<Uint8Array> | ''): Promise<void> {
    const result = await programs.asClient(
      `exec pg_restore -U ${drillSuperuser} -C --clean --if-exists --no-tablespaces -d template1 ${script}`,
      { stdin },
    );
    faults.push(...faultsOf(result));
    if (result.exitCode !== 0) faults.push(`pg_restore ended with ${result.exitCode}`);
  }

  if (globals !== undefined) await plain(globals, 'postgres', 'roles');
  if (kind !== 'cluster') await createRole(programs);
  if (kind === 'directory') {
    const unpacked = await programs.asClient(
      `mkdir -p ${clientFolder}/dump && exec tar -xf - -C ${clientFolder}/dump`,
      {
        stdin: tarOfFolder(join(request.folder, path)),
      },
    );
    if (unpacked.exitCode !== 0) faults.push(`error: ${unpacked.stderr.trim().slice(0, 400)}`);
    await archive(`${clientFolder}/dump`, '');
  } else if (isPlain) {
    const into = kind === 'cluster' || creates ? 'postgres' : database;
    if (into !== 'postgres') {
      const created = await programs.asClient(
        `exec createdb -U ${drillSuperuser} -T template0 -E UTF8 -- "$DATABASE"`,
        { database: 'postgres' },
      );
      faults.push(...faultsOf(created));
    }
    if (before !== undefined) await plain(before, into, 'rows');
    await plain(path, into, 'rows');
  } else {
    const source = contentOf(join(request.folder, path), false);
    await archive('', source.parts());
    if (source.failure !== undefined) faults.push(`error: ${path}: ${source.failure}`);
  }
  return faults.filter((line) => worthKeeping.test(line));
}

/** From 13.22, 14.19, 15.14, 16.10 and 17.6 on. */
async function knowsRestrict(programs: DrillPrograms): Promise<boolean> {
  const asked = await programs.asClient(`exec psql -X -q -U ${drillSuperuser}`, {
    database: 'postgres',
    stdin: '\\restrict k1\n\\unrestrict k1\n',
  });
  return asked.exitCode === 0 && asked.stderr === '';
}

/** The owner of the objects in a dump that lacks its roles. */
async function createRole(programs: DrillPrograms): Promise<void> {
  const statement = `SELECT format('CREATE ROLE %I SUPERUSER LOGIN', :'u') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'u') \\gexec\n`;
  await programs.asClient(`exec psql -X -q -v u="$ROLE" -U ${drillSuperuser}`, {
    database: 'postgres',
    stdin: statement,
  });
}

interface Content {
  parts(): AsyncGenerator<Uint8Array>;
  /** Why it could not be read or unpacked to its end. */
  readonly failure: string | undefined;
}

/** The content of a file, unpacked if it is compressed. Follows no link. */
export function contentOf(path: string, isPacked: boolean): Content {
  let failure: string | undefined;
  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const stream = handle.createReadStream({ highWaterMark: 2 ** 20 });
      try {
        const unpacker = isPacked ? createGunzip() : undefined;
        if (unpacker !== undefined) stream.on('error', (error) => unpacker.destroy(error)).pipe(unpacker);
        for await (const chunk of unpacker ?? stream) if (chunk instanceof Uint8Array) yield chunk;
      } finally {
        stream.destroy();
      }
    } catch (error) {
      failure = errorText(error);
    }
  }
  return {
    parts,
    get failure() {
      return failure;
    },
  };
}

async function* passedOn(source: Content, reader: ReturnType<typeof dumpReader>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source.parts()) {
    const passed = reader.take(chunk);
    if (passed.length > 0) yield passed;
    if (reader.refusal() !== undefined) return;
  }
  // What breaks off is not completed to a statement.
  if (source.failure === undefined) yield reader.end();
}

function faultsOf({ stderr }: HelperResult): readonly string[] {
  return stderr
    .split('\n')
    .filter((line) => worthKeeping.test(line))
    .slice(0, 25)
    .map((line) => line.slice(0, 400));
}
