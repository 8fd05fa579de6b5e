import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startTablestoreEmulator } from '../../emulator/index.js';

const folder = join(dirname(createRequire(import.meta.url).resolve('tablestore/package.json')), 'test');
const runner = fileURLToPath(new URL('./sdk-suite/run-file.js', import.meta.url));

interface Result {
  readonly title: string;
  readonly ok: boolean;
  readonly error?: string;
}

/** Runs one of the SDK's own test files against a fresh emulator. */
async function run(file: string): Promise<Result[]> {
  const emulator = await startTablestoreEmulator({ searchLagMs: 20 });
  const env = {
    ...process.env,
    endpoint: emulator.endpoint,
    instancename: emulator.instanceName,
    accessKeyId: emulator.accessKeyId,
    secretAccessKey: emulator.accessKeySecret,
  };
  const args = ['--no-deprecation', runner, join(folder, file)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env }).finally(() => emulator.close());
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result);
}

describe.concurrent("the SDK's own tests", () => {
  it.for<[string, number]>([
    ['long.test.js', 1],
    ['protocol/plain_buffer.test.js', 2],
    ['data_opration.test.js', 1],
    ['table.test.js', 1],
    ['globalIndex.test.js', 8],
    ['search_old.test.js', 28],
    ['knowledge_base.test.js', 27],
  ])('%s passes, all %i of it', async ([file, count]) => {
    const results = await run(file);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results).toHaveLength(count);
  });

  it('search.test.js passes but for scores, vectors, highlights and aggregations', async () => {
    const results = await run('search.test.js');
    const failed = results
      .filter(({ ok }) => !ok)
      .map(({ title, error }) => [title.split(' > ')[1], /Unsupported [^.]*/.exec(error ?? '')?.[0]]);
    expect(failed).toEqual([
      ['agg_and_group_by', 'Unsupported part of search: aggregations'],
      ['group_by_date_histogram', 'Unsupported part of search: groupBys'],
      ['group_by_geo_grid', 'Unsupported part of search: groupBys'],
      ['functions_score_query', 'Unsupported query type: 18'],
      ['knn_vector_query', 'Unsupported query type: 17'],
      ['highlight_query', 'Unsupported part of search: highlight'],
      ['group_by_composite', 'Unsupported part of search: groupBys'],
    ]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(6);
  });

  it('sql.test.js gets as far as its first SQL statement', async () => {
    const results = await run('sql.test.js');
    expect(results.map(({ ok }) => ok)).toEqual([true, true, false, false, false, false, false, true]);
    expect(results[2]?.error).toContain('Unsupported operation: SQLQuery.');
  });
});
