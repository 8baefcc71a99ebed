// @ts-nocheck: runs in the browser, whose types the rest of the repository must not see
// Draws the snapshots that arrive once a second. Everything an event carries is set as text, never as markup.

const byId = (id) => document.getElementById(id);
const svgNamespace = 'http://www.w3.org/2000/svg';

function element(name, attributes = {}, ...children) {
  const isSvg = ['svg', 'path', 'line', 'circle', 'text', 'g', 'title'].includes(name);
  const node = isSvg ? document.createElementNS(svgNamespace, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const count = (n) => Math.round(n).toLocaleString('en-US');
const total = (values) => Object.values(values).reduce((a, b) => a + b, 0);
const span = (ms) => (ms < 950 ? `${Math.round(ms)} ms` : ms < 90_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`);
const age = (ms) => (ms < 90_000 ? `${Math.max(0, Math.round(ms / 1_000))} s` : `${Math.round(ms / 60_000)} min`);

function badge(node, text, tone) {
  node.textContent = text;
  node.className = `badge ${tone ?? ''}`;
}

const phases = {
  starting: ['starting', 'warn'],
  running: ['running', 'good'],
  draining: ['finishing what was sent', 'warn'],
  judging: ['accounting for every record', 'warn'],
  passed: ['passed', 'good'],
  failed: ['failed', 'bad'],
  stopping: ['stopping', 'warn'],
  stopped: ['stopped', ''],
};

function drawHeader(s) {
  const [text, tone] = phases[s.phase] ?? [s.phase, ''];
  badge(byId('phase'), s.conclusion ? `${text}: ${s.conclusion}` : text, tone);
  const since = s.sendingSince === undefined ? undefined : Math.min(s.now, s.sendingUntil ?? s.now) - s.sendingSince;
  const until = s.sendingUntil === undefined || since === undefined ? '' : ` of ${age(s.sendingUntil - s.sendingSince)}`;
  byId('clock').textContent = since === undefined ? 'local parts and services come up' : `sending for ${age(since)}${until}`;
  if (s.dataAsOf === undefined) badge(byId('freshness'), 'warehouse: no data yet', '');
  else {
    const old = s.now - s.dataAsOf;
    const live = s.phase === 'running';
    badge(byId('freshness'), `warehouse data as of ${age(old)} ago`, !live ? '' : old < 10_000 ? 'good' : old < 60_000 ? 'warn' : 'bad');
  }
}

function drawTiles(s) {
  const tile = (label, value, detail) =>
    element('div', { class: 'tile' }, element('span', {}, label), element('b', {}, value), element('span', {}, detail));
  byId('tiles').replaceChildren(
    tile('Change records sent', count(s.totals.sent), `${count(s.rates.sent)} a second`),
    tile('Events routed', count(s.totals.routed), `${count(s.rates.routed)} a second`),
    tile('Warehouse rows', count(s.totals.rows), `${count(s.totals.repeats)} repeats left out`),
    tile('Fraud alerts', count(s.totals.alerts), s.detect ? `sent to published: ${span(s.detect.p50)}` : 'none yet'),
    tile('Accounts locked', count(s.totals.locks), 'by account-guard'),
    tile('Dead letters', count(total(s.deadLetters)), 'kept with their bytes'),
    tile('Drops', count(total(s.drops)), 'nothing new for analytics'),
  );
}

const series = [
  ['sent', 'sent'],
  ['routed', 'routed'],
  ['rows', 'in the warehouse'],
];

function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * power).find((m) => m >= value) ?? value;
}

function drawRates(s) {
  byId('rates-legend').replaceChildren(
    ...series.map(([key, label]) =>
      element('li', {}, element('span', { class: `swatch c-${key}` }), `${label} `, element('b', {}, count(s.rates[key]))),
    ),
  );
  if (s.history.length < 2) {
    byId('rates').replaceChildren(element('p', { class: 'empty' }, 'The chart begins with the first records.'));
    return;
  }
  const width = Math.max(240, byId('rates').clientWidth); // drawn to the width there is: the labels keep their size on a phone
  const [height, left, bottom, top] = [210, 44, 20, 8];
  const highest = niceCeiling(Math.max(10, ...s.history.flatMap((p) => series.map(([key]) => p[key]))));
  const first = s.history[0].at;
  const last = Math.max(s.history.at(-1).at, first + 30_000);
  const x = (at) => left + ((at - first) / (last - first)) * (width - left - 6);
  const y = (value) => top + (1 - value / highest) * (height - top - bottom);
  const chart = element('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': 'Records a second over time' });
  for (const part of [0, 0.5, 1]) {
    const value = highest * part;
    chart.append(
      element('line', { class: 'grid', x1: left, x2: width - 6, y1: y(value), y2: y(value) }),
      element('text', { x: left - 8, y: y(value) + 4, 'text-anchor': 'end' }, count(value)),
    );
  }
  for (const { at, what } of s.disturbances) {
    if (at < first) continue;
    chart.append(element('line', { class: 'mark', x1: x(at), x2: x(at), y1: top, y2: height - bottom }, element('title', {}, what)));
  }
  for (const [key] of series) {
    const d = s.history.map((p, i) => `${i === 0 ? 'M' : 'L'}${x(p.at).toFixed(1)} ${y(p[key]).toFixed(1)}`).join('');
    chart.append(element('path', { class: `curve c-${key}`, d }));
  }
  chart.append(
    element('text', { x: left, y: height - 4 }, `${age(s.history.at(-1).at - first)} ago`),
    element('text', { x: x(s.history.at(-1).at), y: height - 4, 'text-anchor': 'end' }, 'now'),
  );
  byId('rates').replaceChildren(chart);
}

function bar(name, share, text, tone = '') {
  const fill = element('div', { class: `fill ${tone}` });
  fill.style.width = `${Math.max(share > 0 ? 2 : 0, Math.min(100, share * 100))}%`;
  return [element('span', { class: 'name', title: name }, name), element('div', { class: 'track' }, fill), element('span', {}, text)];
}

function drawLag(s) {
  if (s.lag.length === 0) {
    byId('lag').replaceChildren(element('p', { class: 'empty' }, 'No shard is read yet.'));
    return;
  }
  const list = element('div', { class: 'bars' });
  for (const service of new Set(s.lag.map((l) => l.service))) {
    list.append(element('h3', {}, service));
    for (const { shard, ms } of s.lag.filter((l) => l.service === service)) {
      list.append(
        ...bar(shard.replace(/^shardId-0*(?=\d)/, 'shard '), ms / 10_000, span(ms), ms < 2_000 ? '' : ms < 10_000 ? 'warn' : 'bad'),
      );
    }
  }
  byId('lag').replaceChildren(list);
}

function reasons(values, empty) {
  const entries = Object.entries(values).sort((a, b) => b[1] - a[1]);
  if (entries.length === 0) return [element('p', { class: 'empty' }, empty)];
  const most = entries[0][1];
  return [element('div', { class: 'bars' }, ...entries.flatMap(([reason, n]) => bar(reason, n / most, count(n))))];
}

function drawReasons(s) {
  byId('dead').replaceChildren(...reasons(s.deadLetters, 'None: every record could be read.'));
  const left = {};
  for (const [reason, n] of Object.entries(s.drops)) left[`router: ${reason}`] = n;
  for (const [reason, n] of Object.entries(s.skipped)) left[`rules: ${reason}`] = n;
  byId('left').replaceChildren(...reasons(left, 'Nothing was left out.'));
}

function timeline(evidence) {
  const [width, height, pad] = [320, 22, 8];
  const first = evidence[0].occurredAt;
  const length = Math.max(1, evidence.at(-1).occurredAt - first);
  const chart = element('svg', {
    class: 'evidence',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': `${evidence.length} events within ${span(length)}`,
  });
  chart.append(element('line', { class: 'axis', x1: pad, x2: width - pad, y1: height / 2, y2: height / 2 }));
  for (const { eventId, occurredAt } of evidence) {
    const cx = pad + ((occurredAt - first) / length) * (width - 2 * pad);
    const note = `${new Date(occurredAt).toLocaleTimeString()}, +${span(occurredAt - first)}, event ${eventId}`;
    chart.append(element('circle', { cx, cy: height / 2, r: 5 }, element('title', {}, note)));
  }
  return chart;
}

const drawnAlerts = new Map();

function drawAlerts(s) {
  const list = byId('alerts');
  byId('no-alerts').hidden = s.alerts.length > 0;
  byId('detect').textContent = s.detect ? `sent to published: p50 ${span(s.detect.p50)}, p95 ${span(s.detect.p95)}` : '';
  const current = new Set(s.alerts.map((a) => a.alertId));
  for (const [id, { node }] of drawnAlerts) {
    if (current.has(id)) continue;
    node.remove();
    drawnAlerts.delete(id);
  }
  for (const alert of [...s.alerts].reverse()) {
    const known = drawnAlerts.get(alert.alertId);
    if (known) {
      known.time.textContent = `${age(s.now - alert.receivedAt)} ago`;
      continue;
    }
    const within = span(alert.evidence.at(-1).occurredAt - alert.evidence[0].occurredAt);
    const time = element('time', {}, `${age(s.now - alert.receivedAt)} ago`);
    const who = element('div', { class: 'who' }, alert.key, element('span', { class: 'why' }, alert.ruleId));
    const node = element(
      'li',
      {},
      who,
      element('div', {}, timeline(alert.evidence)),
      element('div', { class: 'when' }, `${alert.value} within ${within}`, time),
    );
    drawnAlerts.set(alert.alertId, { node, time });
    list.prepend(node);
  }
  fitAlerts();
}

const alertListPixels = 620;

/** As many whole rows as there is room for; the others are scrolled to. */
function fitAlerts() {
  const list = byId('alerts');
  let fitting = 0;
  for (const row of list.children) {
    const { height } = row.getBoundingClientRect();
    if (fitting + height > alertListPixels) break;
    fitting += height;
  }
  list.style.maxHeight = fitting > 0 ? `${fitting}px` : '';
}

const tones = { running: 'good', starting: 'warn', stopping: 'warn', killed: 'bad', failed: 'bad' };

function drawServices(s) {
  const rows = s.services.map(({ name, state, starts }) =>
    element(
      'li',
      {},
      element('span', {}, element('span', { class: `dot ${tones[state] ?? ''}` }), name),
      element('span', { class: 'quiet' }, starts > 1 ? `${state}, start ${starts}` : state),
    ),
  );
  byId('services').replaceChildren(...(rows.length > 0 ? rows : [element('li', { class: 'empty' }, 'Not started yet.')]));
  byId('disturbances').replaceChildren(...s.disturbances.map(({ at, what }) => element('li', {}, `${age(s.now - at)} ago: ${what}`)));
}

function draw(s) {
  for (const part of [drawHeader, drawTiles, drawRates, drawLag, drawAlerts, drawReasons, drawServices]) part(s);
}

let ended = false;
const source = new EventSource('/events');
source.addEventListener('message', (message) => {
  const snapshot = JSON.parse(message.data);
  if (snapshot === null) return;
  ended = ['passed', 'failed', 'stopping', 'stopped'].includes(snapshot.phase);
  byId('trouble').hidden = true;
  draw(snapshot);
});
source.addEventListener('error', () => {
  byId('trouble').textContent = ended
    ? 'The demo has ended; these are its last figures.'
    : 'The connection is gone; these figures are the last that arrived. Trying again every second.';
  byId('trouble').hidden = false;
});
