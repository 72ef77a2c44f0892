import type { ChangingEngine } from '../docker/client.ts';
import type { Container } from '../docker/types.ts';
import { runHelper } from '../exec.ts';
import type { PageResult } from './types.ts';

/** A server's image holds no HTTP client, so bash speaks: the script is fixed, port and path come on stdin. */
const script = String.raw`
IFS= read -r port; IFS= read -r path
if exec 3<>"/dev/tcp/127.0.0.1/$port"; then
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$path" >&3
  timeout 20 head -c 16384 <&3
fi
`;

/** What the program of a container answers to people, from its own network namespace: no published port is needed. */
export async function page(
  engine: ChangingEngine,
  client: Container,
  request: { readonly port: number; readonly path: string; readonly image: string },
): Promise<PageResult> {
  const { port, path, image } = request;
  if (!/^\/[\w./-]*$/.test(path)) throw new Error(`${path} is no path of a page.`);
  const { stdout, stderr } = await runHelper(engine, {
    image,
    command: ['bash', '-c', script],
    stdin: `${port}\n${path}\n`,
    network: { container: client.id },
    user: '65534:65534',
    timeoutMs: 30_000,
    maxBytes: 64 * 1024,
  });
  return pageIn(stdout) ?? { status: 0, text: stderr.trim().slice(0, 2_000) || 'no answer' };
}

function pageIn(answer: string): PageResult | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(answer)?.[1];
  if (status === undefined) return undefined;
  const body = answer.slice(answer.search(/\r?\n\r?\n/)).trim();
  return { status: Number(status), text: body.slice(0, 2_000) };
}
