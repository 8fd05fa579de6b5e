import { describe, expect, it } from 'vitest';
import { signRequest, signResponse } from '../../emulator/signature.js';
import type { WireRow } from '../../emulator/wire/plain-buffer.js';
import { decodeRow, decodeValue } from '../../emulator/wire/plain-buffer-reader.js';
import { encodeRow, encodeRows, encodeValue } from '../../emulator/wire/plain-buffer-writer.js';
import { decode, encode, optional, ProtobufError, repeated, required } from '../../emulator/wire/protobuf.js';

const text = (value: string) => ({ type: 'STRING', value }) as const;
const integer = (value: bigint) => ({ type: 'INTEGER', value }) as const;
const row = (parts: Partial<WireRow>): WireRow => ({ primaryKey: [], cells: [], deleteMarker: false, ...parts });
const gid = { name: 'gid', value: text('a') };

/** Made with the Node SDK; `stray` bytes follow the row checksum there. */
const GOLDEN: readonly { name: string; hex: string; stray?: number; row: WireRow }[] = [
  {
    name: 'a put with an auto-increment placeholder and every type of column',
    hex:
      '750000000103040300000067696405060000000301000000610aee03040300000073657105010000000b0a8b020304010000' +
      '006305060000000301000000760ade0304010000006e05090000000005000000000000000a04030401000000640509000000' +
      '01000000000000f83f0aba03040100000062050200000002010a3e030401000000780507000000070200000001020a470932' +
      '00',
    stray: 1,
    row: row({
      primaryKey: [gid, { name: 'seq', value: { type: 'AUTO_INCREMENT' } }],
      cells: [
        { name: 'c', value: text('v') },
        { name: 'n', value: integer(5n) },
        { name: 'd', value: { type: 'DOUBLE', value: 1.5 } },
        { name: 'b', value: { type: 'BOOLEAN', value: true } },
        { name: 'x', value: { type: 'BLOB', value: Uint8Array.of(1, 2) } },
      ],
    }),
  },
  {
    name: 'a put of a given version',
    hex:
      '750000000103040300000067696405060000000301000000610aee0203040100000063050600000003010000007607e80300' +
      '00000000000a5509af',
    row: row({ primaryKey: [gid], cells: [{ name: 'c', value: text('v'), timestamp: 1000n }] }),
  },
  {
    name: 'a put without columns',
    hex: '750000000103040300000067696405060000000301000000610aee0995',
    row: row({ primaryKey: [gid] }),
  },
  {
    name: 'a key of an integer and bytes',
    hex: '75000000010304010000006905090000000001000000000000000a5703040100000062050600000007010000007a0a810991',
    row: row({
      primaryKey: [
        { name: 'i', value: integer(1n) },
        { name: 'b', value: { type: 'BLOB', value: Uint8Array.of(0x7a) } },
      ],
    }),
  },
  {
    name: 'a bound with INF_MIN',
    hex: '75000000010304010000006705060000000301000000610ace030401000000730501000000090aa2099300',
    stray: 1,
    row: row({
      primaryKey: [
        { name: 'g', value: text('a') },
        { name: 's', value: { type: 'INF_MIN' } },
      ],
    }),
  },
  {
    name: 'a bound with INF_MAX',
    hex: '75000000010304010000006705060000000301000000610ace0304010000007305010000000a0aab092e00',
    stray: 1,
    row: row({
      primaryKey: [
        { name: 'g', value: text('a') },
        { name: 's', value: { type: 'INF_MAX' } },
      ],
    }),
  },
  {
    name: 'an update with every operation',
    hex:
      '750000000103040300000067696405060000000301000000610aee020304010000006305060000000301000000760ade0304' +
      '0100000064060307e8030000000000000a1c0304010000006506010ab30304010000006e0509000000000100000000000000' +
      '06040ae309830000000000',
    stray: 5,
    row: row({
      primaryKey: [gid],
      cells: [
        { name: 'c', value: text('v') },
        { name: 'd', operation: 'DELETE_ONE', timestamp: 1000n },
        { name: 'e', operation: 'DELETE_ALL' },
        { name: 'n', value: integer(1n), operation: 'INCREMENT' },
      ],
    }),
  },
  {
    name: 'a deleted row',
    hex: '750000000103040300000067696405060000000301000000610aee080992',
    row: row({ primaryKey: [gid], deleteMarker: true }),
  },
];

describe('PlainBuffer', () => {
  it.each(GOLDEN)('reads and writes $name as the SDK does', ({ hex, stray = 0, row: expected }) => {
    expect(decodeRow(Buffer.from(hex, 'hex'))).toEqual(expected);
    expect(encodeRow(expected).toString('hex')).toBe(hex.slice(0, hex.length - 2 * stray));
  });

  it('refuses a row in which any one byte before its end was changed', () => {
    for (const { hex, stray = 0 } of GOLDEN) {
      const bytes = Buffer.from(hex, 'hex');
      for (let index = 0; index < bytes.length - stray; index++) {
        const broken = Buffer.from(bytes);
        broken[index]! ^= 0x10;
        expect(() => decodeRow(broken), `byte ${index} of ${hex}`).toThrow();
      }
    }
  });

  it('refuses a row cut short at any place', () => {
    const bytes = Buffer.from(GOLDEN[0]!.hex, 'hex');
    for (let length = 0; length < bytes.length - 1; length++)
      expect(() => decodeRow(bytes.subarray(0, length))).toThrow();
  });

  it('writes many rows under one header, and none as no bytes', () => {
    const [a, b] = [row({ primaryKey: [gid] }), row({ primaryKey: [gid], deleteMarker: true })];
    expect(encodeRows([a, b])).toEqual(Buffer.concat([encodeRow(a), encodeRow(b).subarray(4)]));
    expect(encodeRows([])).toHaveLength(0);
  });

  it('writes a lone value without a length in front', () => {
    expect(encodeValue(text('v')).toString('hex')).toBe('030100000076');
    expect(encodeValue(integer(5n)).toString('hex')).toBe('000500000000000000');
    expect(decodeValue(Buffer.from('030100000076', 'hex'))).toEqual(text('v'));
  });
});

describe('protocol buffers', () => {
  const Inner = { id: required(1, 'int64') };
  const Outer = {
    name: optional(1, 'string'),
    count: optional(2, 'int32'),
    items: repeated(3, Inner),
    numbers: repeated(4, 'int32'),
    ratio: optional(5, 'double'),
    flag: optional(6, 'bool'),
  };

  it('reads back what it wrote, over the whole range of integers', () => {
    const message = {
      name: 'ä',
      count: -1,
      items: [{ id: 2n ** 63n - 1n }, { id: -(2n ** 63n) }],
      numbers: [0, 2 ** 31 - 1],
      ratio: 0.1,
      flag: false,
    };
    expect(decode(Outer, encode(Outer, message))).toEqual(message);
  });

  it('leaves absent fields absent and skips unknown ones', () => {
    const Wider = { ...Outer, extra: optional(99, 'string'), more: optional(98, 'double') };
    expect(decode(Outer, encode(Wider, { count: 1, extra: 'x', more: 2 }))).toEqual({
      count: 1,
      items: [],
      numbers: [],
    });
  });

  it('reads packed numbers', () => {
    expect(decode(Outer, Buffer.from('2203010203', 'hex')).numbers).toEqual([1, 2, 3]);
  });

  it('refuses messages that are cut short or lack what they need', () => {
    expect(() => decode(Outer, Buffer.from('0a05', 'hex'))).toThrow(ProtobufError);
    expect(() => decode(Inner, Buffer.alloc(0))).toThrow(ProtobufError);
  });
});

describe('signatures', () => {
  it('signs the known request', () => {
    const headers = {
      'x-ots-apiversion': '2015-12-31',
      'x-ots-instancename': 'inst',
      'x-ots-contentmd5': '1B2M2Y8AsgTpgAmY7PhCfg==',
      'x-ots-date': '2024-01-01T00:00:00.000Z',
      'x-ots-accesskeyid': 'ak',
    };
    expect(signRequest('sk', '/ListTable', headers)).toBe('Hw2J66JfKcyEN+VDJAh2XxAvmmI=');
  });

  it('signs the known response', () => {
    const headers = {
      'x-ots-contentmd5': '1B2M2Y8AsgTpgAmY7PhCfg==',
      'x-ots-contenttype': 'protocol buffer',
      'x-ots-date': '2024-01-01T00:00:00.000000Z',
      'x-ots-requestid': 'r1',
    };
    expect(signResponse('sk', '/ListTable', headers)).toBe('JFOqZ/3BiK2tsE0H1edinVw9Ja0=');
  });
});
