import type postgres from 'postgres';

/** A statement is prepared from this use on. A statement that is used less often would only occupy memory of PostgreSQL. */
const USES = 5;
/**
 * Largest number of prepared statements for each connection, and the largest length of their texts in characters. Lists of values make
 * texts that are long and seldom repeated.
 */
const LARGEST_NUMBER = 256;
const LONGEST_TEXT = 6_000;
/** Largest number of texts whose uses are counted. */
const COUNTED = 2_000;

/**
 * Prepares the statements that are used often. PostgreSQL then parses such a statement once for each connection, and the driver sends it in
 * one step instead of two. The driver itself prepares only statements written as its own templates, and drizzle's statements are not.
 * Returns a client for drizzle. `sql` does not change.
 */
export function preparing(sql: postgres.Sql): postgres.Sql {
  const frequent = new FrequentTexts();
  const changed = {
    unsafe: preparingUnsafe(sql, frequent),
    begin: (work: TransactionWork) => sql.begin((tx) => work(preparingTransaction(tx, frequent))),
  };
  return new Proxy(sql, {
    get(target, key): unknown {
      if (key === 'unsafe' || key === 'begin') return changed[key];
      return Reflect.get(target, key);
    },
  });
}

type TransactionWork = (tx: postgres.TransactionSql) => Promise<unknown>;
type Values = Parameters<postgres.ISql['unsafe']>[1];

function preparingTransaction(tx: postgres.TransactionSql, frequent: FrequentTexts): postgres.TransactionSql {
  const changed = {
    unsafe: preparingUnsafe(tx, frequent),
    savepoint: (work: TransactionWork) =>
      tx.savepoint((inner) => work(preparingTransaction(inner, frequent))),
  };
  return new Proxy(tx, {
    get(target, key): unknown {
      if (key === 'unsafe' || key === 'savepoint') return changed[key];
      return Reflect.get(target, key);
    },
  });
}

function preparingUnsafe(sql: postgres.ISql, frequent: FrequentTexts) {
  return (text: string, values: Values = []) =>
    sql.unsafe(text, values, { prepare: values.length > 0 && frequent.includes(text) });
}

/** Counts the uses of statements. */
export class FrequentTexts {
  private readonly uses = new Map<string, number>();
  private readonly frequent = new Set<string>();

  /** Counts a use of this text. Returns whether the statement is prepared. */
  includes(text: string): boolean {
    if (this.frequent.has(text)) return true;
    if (text.length > LONGEST_TEXT || this.frequent.size >= LARGEST_NUMBER) return false;
    if (this.uses.size >= COUNTED) this.uses.clear();
    const uses = (this.uses.get(text) ?? 0) + 1;
    this.uses.set(text, uses);
    if (uses < USES) return false;
    this.uses.delete(text);
    this.frequent.add(text);
    return true;
  }
}
