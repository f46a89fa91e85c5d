import { storeNames, stores, type Store } from '../../shared/model/stores/stores.ts';

/** The table of stores in docs/configuration.md: how each is reached. Their sources are beside the data. */
export function storesTable(): string {
  const rows = storeNames.map((name) => `| \`${name}\` | ${columns(name, stores[name]).join(' | ')} |`);
  return ['| `store` | is | needs | endpoint |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function columns(name: string, { title, address }: Store): string[] {
  if (name === 'aws') return [title, '', "the region's own"];
  const { endpoint, exampleRegion } = address;
  if (!endpoint) return [title, '`endpoint`', 'as configured'];
  const needs = endpoint.is.includes('{region}') ? `\`region\`, such as \`${exampleRegion ?? ''}\`` : '';
  const account = endpoint.is.includes('{accountId}') ? '`accountId`' : '';
  const shown = endpoint.is.replace(/\{(\w+)\}/g, (_, part: string) => part.toUpperCase());
  return [title, needs + account, `\`${shown}\``];
}
