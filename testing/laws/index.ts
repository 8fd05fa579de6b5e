import type { LawGroup } from '../law-group.js';
import { acceptedTime } from './accepted-time.js';
import { atomicAppend } from './atomic-append.js';
import { backPressure } from './back-pressure.js';
import { batches } from './batches.js';
import { bodies } from './bodies.js';
import { bounds } from './bounds.js';
import { budget } from './budget.js';
import { capabilities } from './capabilities.js';
import { checkpoint } from './checkpoint.js';
import { closing } from './closing.js';
import { count } from './count.js';
import { deletion } from './delete.js';
import { density } from './density.js';
import { drop } from './drop.js';
import { epoch } from './epoch.js';
import { expectation } from './expectation.js';
import { expiry } from './expiry.js';
import { fanOut } from './fan-out.js';
import { head } from './head.js';
import { idempotence } from './idempotence.js';
import { ids } from './ids.js';
import { isolation } from './isolation.js';
import { limits } from './limits.js';
import { listing } from './listing.js';
import { manualIds } from './manual-ids.js';
import { model } from './model.js';
import { noReuse } from './no-reuse.js';
import { order } from './order.js';
import { outcome } from './outcome.js';
import { processes } from './processes.js';
import { readYourWrites } from './read-your-writes.js';
import { restart } from './restart.js';
import { settings } from './settings.js';
import { signals } from './signals.js';
import { subscription } from './subscription.js';
import { truncation } from './truncation.js';
import { update } from './update.js';
import { visibility } from './visibility.js';

/** All groups in the order of the contract. */
export const LAWS: readonly LawGroup[] = [
  order,
  visibility,
  readYourWrites,
  noReuse,
  density,
  bounds,
  truncation,
  head,
  count,
  epoch,
  idempotence,
  expectation,
  manualIds,
  atomicAppend,
  outcome,
  update,
  deletion,
  drop,
  expiry,
  acceptedTime,
  subscription,
  checkpoint,
  signals,
  isolation,
  backPressure,
  closing,
  budget,
  settings,
  limits,
  capabilities,
  batches,
  fanOut,
  listing,
  ids,
  bodies,
  model,
  restart,
  processes,
];
