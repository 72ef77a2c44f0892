import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { quoteIdentifier } from '../../util/quote.ts';
import { errorText } from '../../util/text.ts';
import { type Fault, faultsIn } from '../faults.ts';
import { canUnpack, type Packing, packingByName, unpackerOf } from '../packing.ts';
import { dumpReader } from '../plain-dump.ts';
import { tarOfFolder } from '../tar-stream.ts';
import { clientFolder, type DrillPrograms } from './drill-server.ts';
import type { DrillNeeds, DrillRequest } from './dump.ts';

/** The superuser of a server that a dump is restored into. */
export const drillSuperuser = 'problems_drill';

/** Restores a dump into an empty server, and returns the errors. The backup itself is read here and not by the container. */
export async function restoreDump(programs: DrillPrograms, request: DrillRequest): Promise<readonly Fault[]> {
  const { kind, packing, database, creates, globals, before, path, needs } = request;
  const isPlain = kind === 'plain' || kind === 'plain-gzip' || kind === 'cluster';
  const asks = isPlain || globals !== undefined;
  const restrictKey = asks && (await knowsRestrict(programs)) ? randomBytes(16).toString('hex') : undefined;
  const faults: Fault[] = [];

  function fault(message: string): void {
    faults.push({ message: message.slice(0, 400), statement: '' });
  }

  async function plain(file: string, into: string, sort: 'roles' | 'rows'): Promise<void> {
    const wrapped = file !== path ? packingByName(file) : kind === 'plain-gzip' ? 'gzip' : packing;
    const source = contentOf(join(request.folder, file), wrapped);
    const reader = dumpReader(restrictKey, { allowsRows: sort === 'rows' });
    // After an error, psql without \restrict would take rows for statements and its own commands.
    const stop = restrictKey === undefined && sort === 'rows' ? '-v ON_ERROR_STOP=1' : '';
    const result = await programs.asClient(`exec psql -X -q --echo-errors ${stop} -U ${drillSuperuser} >/dev/null`, {
      database: into,
      stdin: passedOn(source, reader),
    });
    faults.push(...faultsIn(result.stderr));
    const refused = reader.refusal();
    if (refused !== undefined) fault(`line ${refused.line} of ${file}: ${refused.reason}; it was not run`);
    if (source.failure !== undefined) fault(`${file}: ${source.failure}`);
    if (result.exitCode !== 0) fault(`psql ended with ${result.exitCode}`);
  }

  async function archive(script: string, stdin: AsyncIterable<Uint8Array> | '', unpack: string): Promise<void> {
    const result = await programs.asClient(
      `${unpack} pg_restore -U ${drillSuperuser} -C --clean --if-exists --no-tablespaces -d template1 ${script}`,
      { stdin },
    );
    faults.push(...faultsIn(result.stderr));
    if (result.exitCode !== 0) fault(`pg_restore ended with ${result.exitCode}`);
  }

  if (globals !== undefined) await plain(globals, 'postgres', 'roles');
  if (kind !== 'cluster') await createRole(programs);
  await createNeeds(programs, needs);
  if (kind === 'directory') {
    const unpacked = await programs.asClient(
      `mkdir -p ${clientFolder}/dump && exec tar -xf - -C ${clientFolder}/dump`,
      {
        stdin: tarOfFolder(join(request.folder, path)),
      },
    );
    if (unpacked.exitCode !== 0) fault(unpacked.stderr.trim());
    await archive(`${clientFolder}/dump`, '', 'exec');
  } else if (isPlain) {
    const into = kind === 'cluster' || creates ? 'postgres' : database;
    if (into !== 'postgres') {
      const created = await programs.asClient(
        `exec createdb -U ${drillSuperuser} -T template0 -E UTF8 -- "$DATABASE"`,
        { database: 'postgres' },
      );
      faults.push(...faultsIn(created.stderr));
    }
    if (before !== undefined) await plain(before, into, 'rows');
    await plain(path, into, 'rows');
  } else {
    const isUnpackedHere = packing !== undefined && canUnpack(packing);
    const source = contentOf(join(request.folder, path), isUnpackedHere ? packing : undefined);
    await archive('', source.parts(), packing === undefined || isUnpackedHere ? 'exec' : unpackInput(packing));
    if (source.failure !== undefined) fault(`${path}: ${source.failure}`);
  }
  return faults;
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

/** Roles that cannot log in, and tablespaces within the data directory. What cannot be created is missed by the restore. */
async function createNeeds(programs: DrillPrograms, { roles, tablespaces }: DrillNeeds): Promise<void> {
  if (roles.length + tablespaces.length === 0) return;
  const lines = [
    ...roles.map((role) => `CREATE ROLE ${quoteIdentifier(role)} NOLOGIN;`),
    'SET allow_in_place_tablespaces = on;',
    ...tablespaces.map((name) => `CREATE TABLESPACE ${quoteIdentifier(name)} LOCATION '';`),
  ];
  await programs.asClient(`exec psql -X -q -U ${drillSuperuser}`, {
    database: 'postgres',
    stdin: `${lines.join('\n')}\n`,
  });
}

/** The beginning of a command that unpacks its standard input for the program after it. */
function unpackInput(packing: Packing): string {
  return `command -v ${packing} >/dev/null || { echo 'needs ${packing}' >&2; exit 1; }; set -o pipefail; ${packing} -dc |`;
}

interface Content {
  parts(): AsyncGenerator<Uint8Array>;
  /** Why it could not be read or unpacked to its end. */
  readonly failure: string | undefined;
}

/** The content of a file, unpacked if it is wrapped. Follows no link. */
export function contentOf(path: string, packing?: Packing): Content {
  let failure: string | undefined;
  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const stream = handle.createReadStream({ highWaterMark: 2 ** 20 });
      try {
        const unpacker = packing === undefined ? undefined : unpackerOf(packing);
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
