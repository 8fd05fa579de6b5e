import { invalidArgument } from '../../../src/errors.js';
import { describe } from '../../../src/text.js';
import { type JavaV1Options, javaV1Layout } from './java/v1.js';
import { type JavaV2Options, javaV2Layout } from './java/v2.js';
import type { Layout } from './layout.js';
import { nativeLayout } from './native.js';

/** How entries lie in the table: the adapter's own way, or that of a version of the Java library, in the same tables. */
export type LayoutOption =
  | 'native'
  | 'java-v1'
  | 'java-v2'
  | ({ readonly type: 'java-v1' } & JavaV1Options)
  | ({ readonly type: 'java-v2' } & JavaV2Options);

export function resolveLayout(option: LayoutOption = 'native'): Layout {
  if (option === 'native') return nativeLayout;
  if (option === 'java-v1') return javaV1Layout();
  if (option === 'java-v2') return javaV2Layout();
  if (option?.type === 'java-v1') return javaV1Layout(option);
  if (option?.type === 'java-v2') return javaV2Layout(option);
  throw invalidArgument('layout', `must be 'native', 'java-v1' or 'java-v2', not ${describe(option)}`);
}
