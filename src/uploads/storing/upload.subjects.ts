import { Inject, Injectable } from '@nestjs/common';
import { and, desc, eq, gt } from 'drizzle-orm';
import type { Account } from '../../authn/account.js';
import { allows, type Policy, toSql } from '../../authz/policy.js';
import { isImageModality } from '../../catalog/instance.facts.js';
import { ENV } from '../../config/config.module.js';
import type { Env } from '../../config/env.js';
import { DATABASE, type Database } from '../../database/database.module.js';
import { patients, studies } from '../../database/schema.catalog.js';
import { dicomTime, type NewPatient, type NewStudy } from '../../dicom/making/new.subject.js';
import { BadField, NotVisible } from '../../problems/errors.js';
import type { UploadTarget } from './upload.target.js';

/** The patient and the study of a new instance. */
export interface UploadSubject {
  readonly patient: NewPatient;
  readonly study: NewStudy;
}

/** Finds the patient and the study to which an uploaded file belongs, and checks the right to store there. */
@Injectable()
export class UploadSubjects {
  constructor(
    @Inject(ENV) private readonly env: Env,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  /**
   * Returns the existing study of the target, or a new study of its patient with the UID `newUid`. Throws `NotVisible` if the account may
   * not store there, and `BadField` if the target names no patient or contradicts the study.
   */
  async of(
    account: Account,
    policy: Policy,
    target: UploadTarget,
    modality: string,
    newUid: string,
    now: Date,
  ): Promise<UploadSubject> {
    if (target.study_uid !== undefined) return this.existing(policy, target, target.study_uid);
    const { patient_id: patientId } = target;
    if (patientId === undefined)
      throw new BadField(
        'invalid-field',
        'patient_id',
        'Name the patient: send patient_id, or study_uid of an existing study.',
      );
    const issuer = this.issuerOf(account, target);
    const facts = {
      studyUid: newUid,
      issuer,
      patientId,
      institution: account.institution ?? '',
      imageModalities: isImageModality(modality) ? [modality] : [],
      createdBy: account.id,
    };
    if (!allows(policy, 'studies:store', facts)) throw new NotVisible();
    const known = await this.newestStudyOf(policy, issuer, patientId);
    const { date, time } = dicomTime(now);
    const given = target.study_date?.replaceAll('-', '');
    return {
      patient: {
        patientId,
        issuer,
        name: known?.patientName ?? '',
        birthDate: known?.patientBirthDate ?? '',
        sex: known?.patientSex ?? '',
      },
      study: {
        studyUid: newUid,
        date: given ?? date,
        time: given === undefined ? time : '',
        id: '',
        accessionNumber: '',
        description: target.study_description ?? '',
        referringPhysician: '',
      },
    };
  }

  /** The issuer that a new study of this account gets. */
  issuerOf(account: Account, { issuer }: UploadTarget): string {
    return issuer ?? account.issuer ?? this.env.DEFAULT_ISSUER;
  }

  private async existing(policy: Policy, target: UploadTarget, studyUid: string): Promise<UploadSubject> {
    const [row] = await this.database
      .select({ study: studies, issuer: patients.issuer, patientId: patients.patientId })
      .from(studies)
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(
        and(eq(studies.studyUid, studyUid), gt(studies.instanceCount, 0), toSql(policy, 'studies:store')),
      );
    if (row === undefined) throw new NotVisible();
    const { study, issuer, patientId } = row;
    const isOther = (target.patient_id ?? patientId) !== patientId || (target.issuer ?? issuer) !== issuer;
    if (isOther)
      throw new BadField(
        'invalid-field',
        'patient_id',
        'The study belongs to another patient. Leave out patient_id and issuer, or use another study.',
      );
    const { patientName: name, patientBirthDate: birthDate, patientSex: sex } = study;
    return {
      patient: { patientId, issuer, name, birthDate, sex },
      study: {
        studyUid,
        date: study.studyDate,
        time: study.studyTime,
        id: study.studyId,
        accessionNumber: study.accessionNumber,
        description: study.studyDescription,
        referringPhysician: study.referringPhysician,
      },
    };
  }

  /** The newest study of a patient in which the account may store. Its description of the patient is copied into a new study. */
  private async newestStudyOf(policy: Policy, issuer: string, patientId: string) {
    const [row] = await this.database
      .select({
        patientName: studies.patientName,
        patientBirthDate: studies.patientBirthDate,
        patientSex: studies.patientSex,
      })
      .from(studies)
      .innerJoin(patients, eq(patients.id, studies.patient))
      .where(
        and(
          eq(patients.issuer, issuer),
          eq(patients.patientId, patientId),
          gt(studies.instanceCount, 0),
          toSql(policy, 'studies:store'),
        ),
      )
      .orderBy(desc(studies.id))
      .limit(1);
    return row;
  }
}
