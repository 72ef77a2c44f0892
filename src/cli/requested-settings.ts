/** By remediator: what the command line asks of it, in place of what its settings say. */
export type RequestedSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The config's section `remediation` with these settings laid over those of the remediators. */
export function withRequestedSettings(
  section: Readonly<Record<string, unknown>>,
  requested: RequestedSettings,
): Readonly<Record<string, unknown>> {
  const settings = objectOf(section['settings']);
  const own = Object.entries(requested).map(([name, values]) => [name, { ...objectOf(settings[name]), ...values }]);
  return own.length === 0 ? section : { ...section, settings: { ...settings, ...Object.fromEntries(own) } };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
