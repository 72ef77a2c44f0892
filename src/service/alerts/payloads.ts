import type { Json } from '../../util/json.ts';
import { instanceLabel } from '../metrics/series.ts';
import type { AlertView } from '../types.ts';
import type { Channel } from './settings.ts';
import type { Notification } from './notifications.ts';

/** A notification has at most this many alerts; it says how many more there are. */
const mostAlerts = 100;

const longestText = 4_000;

/** How long Alertmanager believes an alert that is not repeated. */
const believedMs = 5 * 60_000;

/** The time with which Alertmanager says that an alert has no end yet. */
const noEnd = '0001-01-01T00:00:00Z';

/** The body of the request that tells a channel, as JSON. */
export function payloadFor(channel: Pick<Channel, 'to' | 'name'>, notification: Notification, now: string): Json {
  switch (channel.to) {
    case 'webhook':
      return webhookPayload(channel.name, notification);
    case 'slack':
      return slackPayload(notification);
    case 'alertmanager':
      return alertmanagerPayload(notification, now);
  }
}

/** The form of Alertmanager's webhooks, version 4: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. */
function webhookPayload(receiver: string, { engine, instance, alerts }: Notification): Json {
  const shown = alerts.slice(0, mostAlerts);
  const groupLabels = ownerLabels({ engine, instance });
  const labels = shown.map(labelsOf);
  const annotations = shown.map(annotationsOf);
  return {
    version: '4',
    groupKey: `{}:{${Object.entries(groupLabels)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(', ')}}`,
    truncatedAlerts: alerts.length - shown.length,
    status: alerts.some(({ state }) => state !== 'resolved') ? 'firing' : 'resolved',
    receiver,
    groupLabels,
    commonLabels: common(labels),
    commonAnnotations: common(annotations),
    externalURL: '',
    alerts: shown.map((alert) => ({
      status: alert.state === 'resolved' ? 'resolved' : 'firing',
      labels: labelsOf(alert),
      annotations: annotationsOf(alert),
      startsAt: alert.startsAt,
      endsAt: alert.endsAt ?? noEnd,
      generatorURL: '',
      fingerprint: alert.fingerprint,
    })),
  };
}

/** `POST /api/v2/alerts`: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml. */
function alertmanagerPayload({ alerts }: Notification, now: string): Json {
  return alerts.slice(0, mostAlerts).map((alert) => ({
    labels: labelsOf(alert),
    annotations: annotationsOf(alert),
    startsAt: alert.startsAt,
    endsAt: alert.endsAt ?? new Date(Date.parse(now) + believedMs).toISOString(),
  }));
}

/** One text. Slack reads `&`, `<` and `>` as its own: `<!channel>` in a summary must not notify anyone. */
function slackPayload({ engine, instance, alerts }: Notification): Json {
  const firing = alerts.filter(({ state }) => state !== 'resolved');
  const owner = engine === null || instance === null ? 'problems' : instanceLabel({ engine, instance });
  const lines = [
    firing.length > 0 ? `${owner}: ${firing.length} firing` : `${owner}: resolved`,
    ...alerts
      .slice(0, mostAlerts)
      .map(({ state, severity, summary }) => `• ${state === 'resolved' ? 'resolved' : severity}: ${summary}`),
  ];
  const text = lines.join('\n').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return {
    text: text.length > longestText ? `${text.slice(0, longestText - 1).toWellFormed()}…` : text,
    mrkdwn: false,
  };
}

/** The same for the same alert every time: Alertmanager knows an alert by its labels. */
function labelsOf(alert: AlertView): Readonly<Record<string, string>> {
  return {
    alertname: alert.name,
    severity: alert.severity,
    ...ownerLabels(alert),
    ...(alert.finding === null ? {} : { finding: alert.finding }),
  };
}

function ownerLabels({ engine, instance }: Pick<AlertView, 'engine' | 'instance'>): Readonly<Record<string, string>> {
  return engine === null || instance === null ? {} : { engine, pg_instance: instanceLabel({ engine, instance }) };
}

function annotationsOf({ summary, acknowledged }: AlertView): Readonly<Record<string, string>> {
  return {
    summary,
    ...(acknowledged === null ? {} : { acknowledged: `${acknowledged.by}: ${acknowledged.comment}`.slice(0, 500) }),
  };
}

/** What all of them have. */
function common(all: readonly Readonly<Record<string, string>>[]): Readonly<Record<string, string>> {
  const [first = {}] = all;
  return Object.fromEntries(Object.entries(first).filter(([name, value]) => all.every((one) => one[name] === value)));
}
