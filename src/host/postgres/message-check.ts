import type { AuthenticationCheck } from './authentication.ts';

/** What one connection may send, in bytes. Answers of ours are far smaller. */
const mostBytes = 64 * 2 ** 20;

/** A message that holds texts, such as an error or the columns of a row, in bytes. */
const mostTextBytes = 2 ** 20;

/** Why a connection ends. `misbehaves`: the server breaks the protocol or sends too much, so asking again is useless. */
export interface Fault {
  readonly message: string;
  readonly misbehaves: boolean;
}

/**
 * Checks a server's messages chunk by chunk, before the driver parses them. The driver trusts lengths and looks for the end
 * of each text: a length below 4 or a text without an end would keep it busy for ever. Returns what is wrong; undefined if
 * nothing is. `faultInRequest` judges each authentication message, so the driver never sees one that is refused. Format:
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function messageChecker(faultInRequest: AuthenticationCheck): (chunk: Uint8Array) => Fault | undefined {
  const header = Buffer.alloc(5);
  let held = 0;
  let left = 0;
  let received = 0;
  /** Of a message with texts, what has arrived of it; undefined for the others. */
  let body: Buffer[] | undefined;

  return (chunk) => {
    received += chunk.length;
    if (received > mostBytes) return misbehaviour(`The server has sent more than ${mostBytes / 2 ** 20} MiB.`);
    for (let at = 0; at < chunk.length || (held === header.length && left === 0);) {
      if (held < header.length) {
        header[held] = chunk[at] ?? 0;
        [held, at] = [held + 1, at + 1];
        if (held < header.length) continue;
        const length = header.readInt32BE(1);
        body = withTexts.has(String.fromCharCode(header[0] ?? 0)) ? [] : undefined;
        if (length < 4 || length > (body === undefined ? mostBytes : mostTextBytes))
          return misbehaviour(`The server sent a message of ${length} bytes.`);
        left = length - 4;
      } else if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        body?.push(Buffer.from(chunk.subarray(at, at + taken)));
        [left, at] = [left - taken, at + taken];
      } else {
        const type = String.fromCharCode(header[0] ?? 0);
        const whole = body === undefined ? undefined : Buffer.concat(body);
        if (whole !== undefined && !isWhole(type, whole))
          return misbehaviour(`The server sent a malformed message of type ${JSON.stringify(type)}.`);
        const fault =
          type === 'R' && whole !== undefined
            ? faultInRequest(whole.readInt32BE(0), whole.toString('latin1', 4))
            : undefined;
        if (fault !== undefined) return { message: fault, misbehaves: false };
        held = 0;
      }
    }
    return undefined;
  };
}

function misbehaviour(message: string): Fault {
  return { message, misbehaves: true };
}

/** Error, notice, parameter, command, notification, row description, authentication. */
const withTexts = new Set(['E', 'N', 'S', 'C', 'A', 'T', 'R']);

/** Whether every text of the message ends within it. */
function isWhole(type: string, body: Buffer): boolean {
  switch (type) {
    case 'E':
    case 'N':
      return endOfFields(body) === body.length;
    case 'S':
      return afterTexts(body, 0, 2) === body.length;
    case 'C':
      return afterTexts(body, 0, 1) === body.length;
    case 'A':
      return afterTexts(body, 4, 2) === body.length;
    case 'T':
      return endOfColumns(body) === body.length;
    default:
      // Only a list of mechanisms (10) holds texts; an empty one ends it.
      return (
        body.length >= 4 && (body.readInt32BE(0) !== 10 || (body.length > 5 && body.readInt16BE(body.length - 2) === 0))
      );
  }
}

/** A byte for the type and a text each, up to a byte of 0. */
function endOfFields(body: Buffer): number {
  let at = 0;
  while (at < body.length && body[at] !== 0) at = afterTexts(body, at + 1, 1);
  return at + 1;
}

/** A number of columns, each a text and 18 bytes. */
function endOfColumns(body: Buffer): number {
  if (body.length < 2) return 0;
  let at = 2;
  for (let column = body.readUInt16BE(0); column > 0 && at <= body.length; column -= 1)
    at = afterTexts(body, at, 1) + 18;
  return at;
}

/** The place after some texts; beyond the end if one of them has none. */
function afterTexts(body: Buffer, from: number, count: number): number {
  let at = from;
  for (let text = 0; text < count; text += 1) {
    const end = body.indexOf(0, at);
    if (end === -1) return body.length + 1;
    at = end + 1;
  }
  return at;
}
