import type { Language } from './section-labels.ts';

/** Labels of values, such as states and dates, and those for which records have no place. */
export const valueLabels = {
  status: {
    en: `
      status, current status, current state, resolution status, fix status, issue status, implementation status,
      progress, final status`,
    de: 'status, stand, zustand, aktueller stand',
    ru: 'статус, состояние, текущий статус',
    zh: '状态, 当前状态, 狀態, 进度, 现状',
    es: 'estado, estado actual, situación',
    fr: 'statut, état, état actuel, avancement',
    pt: 'status, estado, situação, andamento',
    it: 'stato, stato attuale, avanzamento',
    tr: 'durum, güncel durum',
    vi: 'trạng thái, tình trạng, tiến độ',
    ja: '状態, 状況, ステータス, 進捗',
  },
  severity: {
    en: 'severity, sev, severity level, impact level, criticality, level, risk level',
    de: 'schweregrad, schwere, kritikalität',
    ru: 'серьёзность, серьезность, критичность, важность',
    zh: '严重程度, 严重性, 级别, 严重级别, 嚴重程度',
    es: 'severidad, gravedad, criticidad',
    fr: 'gravité, sévérité, criticité, niveau',
    pt: 'gravidade, severidade, criticidade',
    it: 'gravità, severità, criticità',
    tr: 'önem, önem derecesi, ciddiyet, şiddet',
    vi: 'mức độ, mức độ nghiêm trọng, độ nghiêm trọng',
    ja: '重要度, 深刻度, 重大度',
  },
  priority: {
    en: 'priority',
    de: 'priorität, prio',
    ru: 'приоритет',
    zh: '优先级, 优先度, 優先級',
    es: 'prioridad',
    fr: 'priorité',
    pt: 'prioridade',
    it: 'priorità',
    tr: 'öncelik',
    vi: 'độ ưu tiên, ưu tiên',
    ja: '優先度, 優先順位',
  },
  discovered: {
    en: `
      date discovered, discovered, date identified, identified, first seen, discovered on, date found, found,
      reported, date reported, discovery date, first observed, detected, first reported, opened, first noticed, since,
      created, reported on, found on`,
    de: 'entdeckt, entdeckt am, gefunden, gefunden am, gemeldet, gemeldet am, seit, aufgefallen am',
    ru: 'обнаружено, дата обнаружения, найдено, обнаружена, обнаружен',
    zh: '发现日期, 发现时间, 发现于, 首次发现, 報告日期, 报告日期',
    es: 'descubierto, fecha de descubrimiento, detectado, reportado, encontrado, detectado el',
    fr: 'découvert, découvert le, détecté, détecté le, signalé, signalé le, depuis',
    pt: 'descoberto, descoberto em, detectado, detectado em, relatado em, desde',
    it: 'scoperto, scoperto il, rilevato, rilevato il, segnalato il',
    tr: 'bulunma tarihi, tespit tarihi, bildirilme tarihi',
    vi: 'phát hiện, ngày phát hiện, báo cáo ngày',
    ja: '発見日, 発生日, 検出日, 報告日',
  },
  resolved: {
    en: `
      date fixed, date resolved, resolution date, resolved, resolved on, fixed on, fixed date, fix date, date closed,
      closed, resolved date, completed, completed on, date completed, closed on`,
    de: 'behoben, behoben am, gelöst, gelöst am, erledigt, erledigt am, geschlossen am',
    ru: 'дата исправления, дата решения, исправлено, закрыто, устранено',
    zh: '解决日期, 修复日期, 解决时间, 修复时间, 解决于, 修复于',
    es: 'resuelto, resuelto el, fecha de resolución, fecha de resolucion, corregido el, cerrado',
    fr: 'résolu, résolu le, corrigé, corrigé le, date de résolution, fermé le',
    pt: 'resolvido, resolvido em, corrigido, corrigido em, data de resolução, fechado em',
    it: 'risolto, risolto il, corretto, corretto il, data di risoluzione, chiuso il',
    tr: 'çözüldü, çözüm tarihi, düzeltme tarihi',
    vi: 'ngày sửa, ngày khắc phục, ngày giải quyết',
    ja: '解決日, 修正日, 対応日',
  },
  date: {
    en: 'date, last updated, updated, when, timestamp',
    de: 'datum, wann, am',
    ru: 'дата, когда',
    zh: '日期, 时间, 時間',
    es: 'fecha, cuándo, cuando',
    fr: 'date, quand',
    pt: 'data, quando',
    it: 'data, quando',
    tr: 'tarih, ne zaman',
    vi: 'ngày, thời gian',
    ja: '日付, 日時',
  },
  id: {
    en: 'id, issue id, bug id, problem id, ticket, issue number',
    de: 'kennung, ticket, vorgang',
    ru: 'идентификатор, номер, тикет',
    zh: '编号, 工单',
    es: 'identificador, número, incidencia',
    fr: 'identifiant, numéro, référence',
    pt: 'identificador, número, código',
    it: 'identificativo, numero',
    tr: 'kimlik, numara',
    vi: 'mã, mã lỗi',
    ja: '番号, 識別子',
  },
  frequency: {
    en: 'frequency, occurrence, how often',
    de: 'häufigkeit',
    ru: 'частота',
    zh: '频率, 頻率',
    es: 'frecuencia',
    fr: 'fréquence',
    pt: 'frequência',
    it: 'frequenza',
    tr: 'sıklık',
    vi: 'tần suất',
    ja: '頻度, 発生頻度',
  },
  kept: {
    en: `
      verification, verified, result, results, validation, file, files, files modified, files changed, modified files,
      location, locations, benefit, benefits, note, notes, effort, estimated effort, component, components, affected,
      affects, affected components, affected files, affected versions, affected version, version, versions,
      environment, reference, references, related, related issues, see also, testing, test, tests, code, code
      location, link, links, category, type, owner, assignee, reporter, expected, expected behavior, expected
      behaviour, expected result, tags, documentation, platform, platforms, attempted, attempted solutions, attempts,
      what was tried, trade-off, trade-offs, tradeoffs, before, after, metrics, performance, dependencies, blocker,
      blocked by, blocking, session, agent, scope, time spent, commit, pr, pull request, source, author, discovered
      by, fixed by commit, priority reason, configuration, outcome, affected deployments, affected networks, affected
      platforms, where, who, remaining, progress made, acceptance criteria`,
    de: `
      hinweis, hinweise, datei, dateien, ergebnis, prüfung, aufwand, betroffen, komponente, version, erwartet, siehe
      auch, ort, erwartetes ergebnis, umgebung`,
    ru: `
      примечание, файл, файлы, результат, проверка, заметка, версия, компонент, ожидаемое поведение, затронуто,
      ожидаемый результат, окружение`,
    zh: '备注, 文件, 结果, 验证, 说明, 版本, 组件, 预期, 相关, 位置, 受影响, 参考, 预期结果, 环境',
    es: `
      nota, notas, archivo, archivos, resultado, resultados, verificación, verificacion, componente, versión,
      esperado, ubicación, afecta, resultado esperado, entorno`,
    fr: `
      remarque, remarques, note, notes, fichier, fichiers, vérification, environnement, composant, version, résultat
      attendu, voir aussi, emplacement, concerne`,
    pt: `
      nota, notas, observação, observações, arquivo, arquivos, verificação, ambiente, componente, versão, resultado
      esperado, local, afeta`,
    it: 'nota, note, osservazioni, verifica, ambiente, componente, versione, risultato atteso, vedi anche, posizione',
    tr: 'not, notlar, dosya, dosyalar, doğrulama, ortam, bileşen, sürüm, beklenen sonuç',
    vi: 'ghi chú, tệp, tập tin, xác minh, môi trường, thành phần, phiên bản, kết quả mong đợi',
    ja: '備考, ファイル, 確認, 環境, コンポーネント, バージョン, 期待される結果, 関連, 場所',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<Language, string>>>>;
