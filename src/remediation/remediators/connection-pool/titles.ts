/** What the title of a server's process says of a session. */
export interface TitledSession {
  readonly role: string;
  readonly database: string;
  /** `[local]`, or the address. */
  readonly client: string;
  /** `idle`, `idle in transaction`, `SELECT`, `SELECT waiting`, `authentication`, … */
  readonly doing: string;
}

/** `postgres: role database client(port) doing`, with the cluster's name in front where it has one. */
export function titledSession(title: string): TitledSession | undefined {
  const match = /^postgres: (?:[^ ]+: )?(?!walsender )(\S+) (\S+) (\[local\]|[^\s()]+\(\d+\)) (\S.*)$/.exec(title);
  if (match === null) return undefined;
  const [, role = '', database = '', client = '', doing = ''] = match;
  return { role, database, client: client.replace(/\(\d+\)$/, ''), doing };
}

/** `97 × app vrooli 172.18.0.3 idle in transaction`, the most first. */
export function countedTitles(titles: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const title of titles) {
    const session = titledSession(title);
    if (session === undefined) continue;
    const key = `${session.role} ${session.database} ${session.client} ${session.doing}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1)).map(([key, n]) => `${n} × ${key}`);
}
