import { describe, expect, it } from 'vitest';
import { ALL, ids, indexed, type Parts, query } from './people-index.js';
import { errorOf, int, sdk } from './sdk.js';

const { QueryOperator } = sdk;

describe('queries', () => {
  it.each<[string, Parts, string]>([
    ['everything', ALL, 'abcd'],
    ['a term', query('TERM', { fieldName: 'name', term: 'ann' }), 'a'],
    ['a term of a text', query('TERM', { fieldName: 'text', term: 'fox' }), 'ab'],
    ['a term of an array', query('TERM', { fieldName: 'tags', term: 'y' }), 'ab'],
    ['an integer written as text', query('TERM', { fieldName: 'age', term: '30' }), 'a'],
    [
      'days',
      query('RANGE', {
        fieldName: 'day',
        rangeFrom: '2026-02-03',
        includeLower: false,
        rangeTo: '2026-02-04',
        includeUpper: true,
      }),
      'b',
    ],
    ['an integer', query('TERM', { fieldName: 'age', term: int(30) }), 'a'],
    ['terms', query('TERMS', { fieldName: 'name', terms: ['ann', 'cat', 'nobody'] }), 'ac'],
    [
      'a range',
      query('RANGE', {
        fieldName: 'age',
        rangeFrom: int(20),
        includeLower: true,
        rangeTo: int(40),
        includeUpper: false,
      }),
      'ab',
    ],
    ['an open range', query('RANGE', { fieldName: 'age', rangeFrom: int(20), includeLower: false }), 'ac'],
    ['a prefix', query('PREFIX', { fieldName: 'name', prefix: 'a' }), 'a'],
    ['a wildcard', query('WILDCARD', { fieldName: 'name', value: '?a*' }), 'c'],
    ['existence', query('EXISTS', { fieldName: 'age' }), 'abc'],
    ['a match of any word', query('MATCH', { fieldName: 'text', text: 'Fox brown' }), 'abd'],
    [
      'a match of all words',
      query('MATCH', { fieldName: 'text', text: 'fox brown', operator: QueryOperator.AND }),
      'a',
    ],
    [
      'a match of enough words',
      query('MATCH', { fieldName: 'text', text: 'the brown fox', minimumShouldMatch: 2 }),
      'ab',
    ],
    ['a match of one character', query('MATCH', { fieldName: 'text', text: '存' }), 'c'],
    ['a phrase', query('MATCH_PHRASE', { fieldName: 'text', text: 'the fox' }), 'b'],
    ['a phrase without spaces', query('MATCH_PHRASE', { fieldName: 'text', text: '格存' }), 'c'],
    [
      'a nested element that has both',
      query('NESTED', {
        path: 'parts',
        query: query('BOOL', {
          mustQueries: [
            query('TERM', { fieldName: 'parts.kind', term: 'arm' }),
            query('TERM', { fieldName: 'parts.size', term: int(2) }),
          ],
        }),
      }),
      'c',
    ],
    ['a circle', query('GEO_DISTANCE', { fieldName: 'place', centerPoint: '0,0', distance: 150_000 }), 'a'],
    ['a box', query('GEO_BOUNDING_BOX', { fieldName: 'place', topLeft: '2,0.5', bottomRight: '0.5,2' }), 'b'],
    ['a polygon', query('GEO_POLYGON', { fieldName: 'place', points: ['-1,-1', '-1,0.5', '0.5,0.5', '0.5,-1'] }), 'a'],
  ])('find %s', async (_, wanted, expected) => {
    expect(await ids(await indexed(), wanted)).toBe(expected);
  });

  it('combine as must, filter, must not and should', async () => {
    const client = await indexed();
    const word = (text: string) => query('MATCH', { fieldName: 'text', text });
    const bool = (parts: Parts) => ids(client, query('BOOL', parts));
    expect(await bool({ mustQueries: [word('fox'), word('brown')] })).toBe('a');
    expect(await bool({ filterQueries: [word('fox')], mustNotQueries: [word('brown')] })).toBe('b');
    expect(await bool({ shouldQueries: [word('brown'), word('储')], minimumShouldMatch: 1 })).toBe('acd');
    expect(await bool({ shouldQueries: [word('brown'), word('fox')], minimumShouldMatch: 2 })).toBe('a');
    expect(await bool({ mustNotQueries: [word('fox')] })).toBe('cd');
  });

  it('refuse fields and parts that are not there', async () => {
    const client = await indexed();
    expect((await errorOf(ids(client, query('TERM', { fieldName: 'nope', term: 'x' })))).code).toBe(
      'OTSParameterInvalid',
    );
    const groupBys = { groupBys: [{ name: 'g', type: 1, body: { fieldName: 'name' } }] };
    expect((await errorOf(ids(client, ALL, { groupBys }))).text).toContain('Unsupported part of search: groupBys.');
  });
});
