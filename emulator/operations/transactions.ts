import { parameterInvalid } from '../errors.js';
import { StartLocalTransactionRequest, TransactionMessage } from '../wire/messages-row.js';
import { Empty } from '../wire/messages-table.js';
import { operation } from './operation.js';
import { checkKey, checkSchema, checkTableName, parseRow } from './row-checks.js';

export const startLocalTransaction = operation(
  StartLocalTransactionRequest,
  TransactionMessage,
  (instance, request) => {
    checkTableName(request.tableName);
    const { primaryKey } = parseRow(request.key);
    checkKey(primaryKey, 'read');
    const table = instance.tableToWrite(request.tableName);
    if (!(table.definition.enableLocalTransactions ?? instance.options.localTransactions ?? true)) {
      throw parameterInvalid('Try to call method using explicit transaction on explicit-transaction-disabled table.');
    }
    if (primaryKey.length !== 1) throw parameterInvalid('StartLocalTransaction support only one primary key.');
    checkSchema(table, primaryKey, 1);
    return { transactionId: instance.transactions.start(table, primaryKey).id };
  },
);

export const commitTransaction = operation(TransactionMessage, Empty, (instance, { transactionId }) => {
  const transaction = instance.transactions.get(transactionId);
  instance.atomically(() => transaction.view.commit());
  instance.transactions.end(transaction);
  return {};
});

/** The Node SDK expects the id; other clients ignore the response. */
export const abortTransaction = operation(TransactionMessage, TransactionMessage, (instance, { transactionId }) => {
  instance.transactions.end(instance.transactions.get(transactionId));
  return { transactionId };
});
