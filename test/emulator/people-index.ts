/** Four rows, an index over every kind of field, and short ways to ask it. */
import { condition, createTable, int, keyOf, type SdkClient, sdk, start } from './sdk.js';

const { FieldType, QueryType, ColumnReturnType } = sdk;
export type Parts = Readonly<Record<string, unknown>>;
export const field = (fieldName: string, fieldType: number | undefined, more: Parts = {}) => ({
  fieldName,
  fieldType,
  index: true,
  enableSortAndAgg: true,
  store: true,
  ...more,
});
export const SCHEMA = {
  fieldSchemas: [
    field('id', FieldType.KEYWORD),
    field('name', FieldType.KEYWORD),
    field('text', FieldType.TEXT, { enableSortAndAgg: false }),
    field('tags', FieldType.KEYWORD, { isAnArray: true }),
    field('age', FieldType.LONG),
    field('place', FieldType.GEO_POINT),
    field('day', FieldType.DATE, { dateFormats: ['yyyy-MM-dd', "yyyy-MM-dd'T'HH:mm"] }),
    field('parts', FieldType.NESTED, {
      index: false,
      enableSortAndAgg: false,
      store: false,
      fieldSchemas: [field('kind', FieldType.KEYWORD), field('size', FieldType.LONG)],
    }),
  ],
};
export const PEOPLE: Record<string, Readonly<Record<string, unknown>>> = {
  a: { name: 'ann', text: 'The quick brown fox', tags: '["x","y"]', age: int(30), place: '0,0', day: '2026-02-03' },
  b: {
    name: 'bob',
    text: 'quick, quick: the FOX',
    tags: '["y"]',
    age: int(20),
    place: '1,1',
    day: '2026-02-03T10:00',
    parts: '[{"kind":"arm","size":1},{"kind":"leg","size":2}]',
  },
  c: { name: 'cat', day: '2026-2-3', text: '表格存储', age: int(40), parts: '[{"kind":"arm","size":2}]' },
  d: { name: 'Ann', text: 'brown' },
};

export async function indexed(options = {}) {
  const { client } = await start({ searchLagMs: 0, ...options });
  await createTable(client, 't', { key: { id: 'STRING' } });
  await client.createSearchIndex({ tableName: 't', indexName: 'i', schema: SCHEMA });
  for (const [id, columns] of Object.entries(PEOPLE)) await write(client, id, columns);
  return client;
}
export const write = (client: SdkClient, id: string, columns: Parts) =>
  client.putRow({
    tableName: 't',
    condition: condition(),
    primaryKey: [{ id }],
    attributeColumns: Object.entries(columns).map(([name, value]) => ({ [name]: value })),
  });
export const run = (
  client: SdkClient,
  searchQuery: Parts,
  columnToGet: Parts = { returnType: ColumnReturnType.RETURN_NONE },
) => client.search({ tableName: 't', indexName: 'i', searchQuery, columnToGet });
export const query = (queryType: string, parts: Parts = {}) => ({
  queryType: QueryType[`${queryType}_QUERY`],
  query: parts,
});
export const ids = async (client: SdkClient, wanted: Parts, more: Parts = {}) => {
  const { rows } = await run(client, { query: wanted, limit: 100, ...more });
  return rows.map((row) => keyOf(row)[0]).join('');
};
export const ALL = query('MATCH_ALL');
