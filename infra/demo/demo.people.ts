import {
  ANNE,
  CLINIC_INSTITUTION,
  CLINIC_ISSUER,
  DEMO_INSTITUTION,
  DEMO_ISSUER,
  NORTH_STUDY,
  SOUTH_STUDY,
  clinicObjects,
  hospitalObjects,
} from './demo.objects.ts';

const NORTH = 'Radiology North';
const SOUTH = 'Radiology South';
const ALL = 'All Radiology';
const CLINIC = 'Lakeside Clinic';
const ULTRASOUND = 'Ultrasound Lab';
const PATIENTS = 'Patients';

/** The group of the machine accounts that send objects. */
export const SENDERS = 'Demo senders';

/** All groups of the demo. */
export const GROUPS = [NORTH, SOUTH, ALL, CLINIC, ULTRASOUND, PATIENTS, SENDERS];

/** A person of the demo. If `patient` is set, the person is also this patient in the archive. */
export interface PersonPlan {
  username: string;
  display_name: string;
  groups: string[];
  patient?: { issuer: string; patient_id: string };
}

/** All people of the demo. The first person of a group is in no other group. */
export const PEOPLE: PersonPlan[] = [
  { username: 'nina.north', display_name: 'Nina North', groups: [NORTH] },
  { username: 'sam.south', display_name: 'Sam South', groups: [SOUTH] },
  { username: 'chris.chief', display_name: 'Chris Chief', groups: [NORTH, SOUTH] },
  { username: 'robin.radiology', display_name: 'Robin Radiology', groups: [ALL] },
  { username: 'clara.clinic', display_name: 'Clara Clinic', groups: [CLINIC] },
  { username: 'uli.ultrasound', display_name: 'Uli Ultrasound', groups: [ULTRASOUND] },
  {
    username: 'aenne.mueller',
    display_name: 'Änne Müller (patient)',
    groups: [PATIENTS],
    patient: { issuer: ANNE.issuer, patient_id: ANNE.id },
  },
];

const READ = ['studies:read'];

/** The grants of the groups. Together, the grants use every kind of scope. */
export const GRANTS = [
  {
    group: NORTH,
    rights: READ,
    scope: { kind: 'patient', issuer: DEMO_ISSUER, patient_id: NORTH_STUDY.patient.id },
  },
  { group: SOUTH, rights: READ, scope: { kind: 'study', study_uid: SOUTH_STUDY.studyUid } },
  { group: ALL, rights: READ, scope: { kind: 'institution', institution: DEMO_INSTITUTION } },
  { group: ALL, rights: READ, scope: { kind: 'institution', institution: CLINIC_INSTITUTION } },
  { group: CLINIC, rights: READ, scope: { kind: 'institution', institution: CLINIC_INSTITUTION } },
  { group: ULTRASOUND, rights: READ, scope: { kind: 'modality', modality: 'US' } },
  { group: PATIENTS, rights: READ, scope: { kind: 'own-patient' } },
  { group: SENDERS, rights: ['studies:store'], scope: { kind: 'all' } },
  { group: SENDERS, rights: READ, scope: { kind: 'own-uploads' } },
];

/**
 * The machine accounts and the objects they send. The hospital's account sets the issuer and the institution of its objects. The clinic's
 * account sets only the issuer, so the gateway reads the institution from each object.
 */
export const MACHINES = [
  {
    account: { name: 'demo-scanner', institution: DEMO_INSTITUTION, issuer: DEMO_ISSUER },
    objects: hospitalObjects,
  },
  { account: { name: 'demo-clinic', issuer: CLINIC_ISSUER }, objects: clinicObjects },
];
