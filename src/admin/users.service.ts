import { Inject, Injectable } from '@nestjs/common';
import { and, eq, gt, sql } from 'drizzle-orm';
import { type AuditedAction, AuditedActions } from '../audit/audited.actions.js';
import { Passwords } from '../authn/sign-in/passwords.service.js';
import { SignIns } from '../authn/sign-in/sign.ins.js';
import { DATABASE, type Database, type Transaction } from '../database/database.module.js';
import { accounts } from '../database/schema.access.js';
import { patients, studies } from '../database/schema.catalog.js';
import { Conflict, NotVisible } from '../problems/errors.js';
import { refuseStale } from './entity.tags.js';
import type { PatientKey } from './fields.js';
import type { LinkedUser, NewUser, User, UserChange, UsersQuery } from './user.shapes.js';
import { LastAdministrator } from './last.administrator.js';
import { inGroup, is, matching, orderOf, type Page } from '../http/list.query.js';

type Row = typeof accounts.$inferSelect;
const isPerson = eq(accounts.kind, 'person');
const SORTABLE = [
  ['username', accounts.name],
  ['display_name', accounts.displayName],
  ['disabled', accounts.disabled],
] as const;

/** Lists, adds, changes and removes people. Methods throw NotVisible for a missing person. */
@Injectable()
export class Users {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly auditedActions: AuditedActions,
    private readonly passwords: Passwords,
    private readonly signIns: SignIns,
    private readonly lastAdministrator: LastAdministrator,
  ) {}

  async list(query: UsersQuery): Promise<Page<User>> {
    const which = and(
      isPerson,
      matching(query, accounts.name, accounts.displayName),
      query.username === undefined ? undefined : sql`lower(${accounts.name}) = lower(${query.username})`,
      inGroup(accounts.id, query.group),
      is(accounts.disabled, query.disabled),
      is(sql`(${accounts.externalSubject} is not null)`, query.external),
    );
    const rows = await this.database
      .select()
      .from(accounts)
      .where(which)
      .orderBy(...orderOf(query, SORTABLE, accounts.id))
      .limit(query.limit)
      .offset(query.offset);
    return { items: rows.map(userOf), total: await this.database.$count(accounts, which) };
  }

  async get(id: string): Promise<User> {
    const [row] = await this.database
      .select()
      .from(accounts)
      .where(and(isPerson, eq(accounts.id, id)));
    return found(row);
  }

  /**
   * Adds a person. Throws Conflict when the name is taken. Upper and lower case are not distinguished. The result has a warning when the
   * catalog has no study of the linked patient.
   */
  async create(action: AuditedAction, user: NewUser): Promise<LinkedUser> {
    const passwordHash = user.password === undefined ? null : await this.passwords.hash(user.password);
    return this.auditedActions.record(action, 201, async (transaction) => {
      const [row] = await transaction
        .insert(accounts)
        .values({
          kind: 'person',
          name: user.username,
          displayName: user.display_name,
          disabled: user.disabled,
          organisation: user.organisation,
          nameWithheld: user.name_withheld,
          passwordHash,
          ...columnsOf(user.patient),
        })
        .onConflictDoNothing()
        .returning();
      if (row === undefined) throw new Conflict('name-taken', 'This username is taken.');
      action.addFacts({
        ...(user.patient && patientNoteOf(user.patient)),
        detail: { id: row.id, name: row.name, ...(user.name_withheld ? { name_withheld: true } : {}) },
      });
      return warned(transaction, userOf(row));
    });
  }

  /**
   * Changes a person. If the password is changed or the person is disabled, all sessions and tokens of the person end. Throws Stale when
   * If-Match does not match.
   */
  async change(action: AuditedAction, id: string, change: UserChange): Promise<User> {
    const { password, disabled, organisation } = change;
    const { display_name: displayName, name_withheld: nameWithheld } = change;
    const passwordHash = password === undefined ? undefined : await this.passwords.hash(password);
    action.addFacts({
      detail: { new_password: password !== undefined, disabled, name_withheld: nameWithheld },
    });
    return this.auditedActions.record(action, 200, (transaction) =>
      this.lastAdministrator.guard(transaction, async () => {
        await known(transaction, action, id);
        const [row] = await transaction
          .update(accounts)
          // SET needs at least one column. `kind` has this value already.
          .set({ kind: 'person', displayName, disabled, passwordHash, organisation, nameWithheld })
          .where(eq(accounts.id, id))
          .returning();
        if (passwordHash !== undefined || disabled === true)
          await this.signIns.endAll(id, undefined, transaction);
        return found(row);
      }),
    );
  }

  /** Removes a person with all sessions, tokens and memberships. Throws Stale when If-Match does not match. */
  async remove(action: AuditedAction, id: string): Promise<void> {
    await this.auditedActions.record(action, 204, (transaction) =>
      this.lastAdministrator.guard(transaction, async () => {
        const { username: name } = await known(transaction, action, id);
        action.addFacts({ detail: { name } });
        await transaction.delete(accounts).where(eq(accounts.id, id));
      }),
    );
  }

  /**
   * Links the person to a patient (scope `own-patient`, claim `patient_id`). If `patient` is null, removes the link. A patient without a
   * study in the catalog is accepted with a warning, because images can arrive later.
   */
  link(
    action: AuditedAction,
    id: string,
    patient: PatientKey | null,
    status: 200 | 204,
  ): Promise<LinkedUser> {
    return this.auditedActions.record(action, status, async (transaction) => {
      const before = await known(transaction, action, id);
      const about = patient ?? before.patient;
      action.addFacts({
        ...(about && patientNoteOf(about)),
        detail: { linked: patient !== null, to_self: id === action.accountId },
      });
      const [row] = await transaction
        .update(accounts)
        .set(columnsOf(patient))
        .where(eq(accounts.id, id))
        .returning();
      return warned(transaction, found(row));
    });
  }
}

const UNKNOWN_PATIENT =
  'The catalog has no study of this patient. If images of the patient are stored already, correct issuer and patient_id: both are compared exactly, and case matters.';

async function warned(transaction: Transaction, user: User): Promise<LinkedUser> {
  if (user.patient === null) return user;
  const { issuer, patient_id } = user.patient;
  const [study] = await transaction
    .select({ id: studies.id })
    .from(studies)
    .innerJoin(patients, eq(patients.id, studies.patient))
    .where(and(eq(patients.issuer, issuer), eq(patients.patientId, patient_id), gt(studies.instanceCount, 0)))
    .limit(1);
  return study === undefined ? { ...user, warning: UNKNOWN_PATIENT } : user;
}

async function known(transaction: Transaction, action: AuditedAction, id: string): Promise<User> {
  const [row] = await transaction
    .select()
    .from(accounts)
    .where(and(isPerson, eq(accounts.id, id)))
    .for('update');
  const user = found(row);
  refuseStale(action, user);
  return user;
}

/** The facts about a patient for an audit row. */
function patientNoteOf({ issuer, patient_id }: PatientKey) {
  return { patientIssuer: issuer, patientId: patient_id };
}

function columnsOf(patient: PatientKey | null): Pick<Row, 'patientIssuer' | 'patientId'> {
  return { patientIssuer: patient?.issuer ?? null, patientId: patient?.patient_id ?? null };
}

function found(row: Row | undefined): User {
  if (row === undefined) throw new NotVisible();
  return userOf(row);
}

function userOf(row: Row): User {
  const { patientIssuer: issuer, patientId: patient_id } = row;
  return {
    id: row.id,
    username: row.name,
    display_name: row.displayName,
    disabled: row.disabled,
    organisation: row.organisation,
    name_withheld: row.nameWithheld,
    patient: issuer === null || patient_id === null ? null : { issuer, patient_id },
  };
}
