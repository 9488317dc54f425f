import type { systemEn as english } from '../en/system.texts.ts';
import type { ShapeOf } from '../en/en.ts';

export const systemDe: ShapeOf<typeof english> = {
  explain: {
    intro:
      'Geben Sie ein Konto und eine Studie ein. Dann sehen Sie, warum das Konto sie öffnen darf oder nicht.',
    user: 'Benutzername oder Gerätekonto',
    study: 'Studien-UID',
    right: 'Recht',
    ask: 'Erklären',
    allowed: '{{user}} hat dieses Recht.',
    missing: {
      account_enabled: 'Nein: Das Konto ist gesperrt.',
      study_in_catalog: 'Nein: Der Katalog hat keine solche Studie.',
      group: 'Nein: Das Konto ist in keiner Gruppe.',
      grant_of_right: 'Nein: Keine Gruppe des Kontos hat dieses Recht.',
      grant_in_time: 'Nein: Die Vergaben mit diesem Recht sind abgelaufen.',
      scope_over_study: 'Nein: Keine Vergabe mit diesem Recht umfasst die Studie.',
    },
    deciding: 'Vergaben, die entscheiden',
    others: 'Vergaben, die nicht gelten',
  },
  system: {
    services: 'Dienste',
    gatewayUp: 'Das Gateway antwortet',
    gatewayAway: 'Das Gateway antwortet nicht',
    states: {
      up: '{{service}} antwortet',
      away: '{{service}} antwortet nicht',
      off: '{{service}} ist nicht eingerichtet',
    },
    auditStalled: 'Das Protokoll wird nicht versiegelt',
    holdings: 'Archiv',
    counts: {
      patients: 'Patienten',
      studies: 'Studien',
      series: 'Serien',
      instances: 'Instanzen',
      bytes: 'Größe',
      archived: 'Instanzen in Orthanc',
      quarantined: 'In Quarantäne',
    },
    comparison: 'Katalog mit dem Archiv vergleichen',
    comparisonHelp:
      'Das Gateway findet Unterschiede selbst. Ein Vergleich liest das ganze Archiv, und man kann weiterarbeiten.',
    compared: '{{done}} von {{total}} Instanzen',
    result: '{{when}}: {{checked}} Instanzen geprüft, {{adopted}} hinzugefügt, {{removed}} entfernt.',
    compare: 'Jetzt vergleichen',
    running: 'Läuft',
  },
  quarantine: {
    intro:
      'Diese Objekte widersprechen dem Katalog, daher sieht sie niemand. Entscheiden Sie, welche Seite stimmt.',
    search: 'Teil einer Patienten-ID oder UID',
    none: 'Nichts ist in Quarantäne.',
    since: 'Seit',
    reason: 'Grund',
    reasons: {
      contradicts: 'Ein anderer Patient hat diese Studie oder Serie',
      altered: 'Anderer Inhalt unter derselben UID',
      unusable: 'Kennungen fehlen oder sind ungültig',
      unreadable: 'Die Datei ist nicht lesbar',
      'other-patient': 'Upload eines anderen Patienten, als angegeben wurde',
    },
    arrived: 'Was angekommen ist',
    held: 'Was der Katalog hat',
    decision: 'Entscheidung',
    accept: 'Annehmen',
    discard: 'Verwerfen',
    meaning: {
      accept:
        'Die angekommenen Objekte werden sichtbar. Objekte des Katalogs, die ihnen widersprechen, kommen in Quarantäne.',
      discard:
        'Die angekommenen Objekte werden aus dem Archiv gelöscht. Das kann nicht rückgängig gemacht werden.',
    },
  },
};
