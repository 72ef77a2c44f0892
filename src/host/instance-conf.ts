/**
 * `instance.conf` holds lines `key="value"`. Other programs source it as shell; here it is data: no expansion, no
 * commands, and a line that is not a plain assignment is passed over. Later lines win.
 */
export function parseInstanceConf(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match =
      /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,63})=(?:"([^"\\$`]*)"|'([^']*)'|([^\s"'\\$`;&|<>()#]*))\s*(?:#.*)?$/.exec(
        line,
      );
    if (match === null) continue;
    const [, key = '', double, single, bare] = match;
    if (key !== '__proto__') values[key] = double ?? single ?? bare ?? '';
  }
  return values;
}
