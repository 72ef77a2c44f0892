/**
 * The words of languages about problems, besides labels: for groups, states and severities. One row for each language, with bars
 * between the words; where words are not set apart by blanks, they are signs.
 */
export interface LanguageWords {
  /** Problems in general, as in the heading of a group. */
  readonly problems: string;
  /** Headings of notes, plans and logs. */
  readonly notes: string;
  readonly open: string;
  readonly partly: string;
  readonly resolved: string;
  readonly wontFix: string;
  readonly critical: string;
  readonly high: string;
  readonly medium: string;
  readonly low: string;
  /** Words for nothing at all, as the whole text below a heading. */
  readonly nothing: string;
}

const spaced: readonly LanguageWords[] = [
  // French
  {
    problems: 'problèmes?|bogues?|anomalies|erreurs|limitations|limites connues|dépannage|pannes|incidents',
    notes:
      'résumé|synthèse|améliorations|prochaines étapes|remarques|recommandations|feuille de route|historique|ressources|aide',
    open: 'ouverts?|ouvertes?|en cours|en attente|connus?|connues?|à corriger|non résolue?s?',
    partly: 'partiellement|en cours|en attente|non (?:résolue?|corrigée?)|reste',
    resolved: 'résolue?s?|corrigée?s?|fermée?s?|réglée?s?|terminée?s?',
    wontFix: 'ne sera pas corrigée?|voulu|par conception|accepté',
    critical: 'critiques?|bloquante?s?',
    high: 'élevée?s?|hautes?|majeure?s?|graves?',
    medium: 'moyenne?s?|modérée?s?',
    low: 'faibles?|basses?|mineure?s?',
    nothing: 'aucune?|rien',
  },
  // Portuguese
  {
    problems: 'problemas|erros|falhas|limitações|defeitos|solução de problemas',
    notes: 'resumo|melhorias|próximos passos|observações|recomendações|histórico|referências|ajuda',
    open: 'abert[oa]s?|em aberto|em andamento|pendentes?|conhecid[oa]s?|não resolvid[oa]s?',
    partly: 'parcialmente|em andamento|pendente|não (?:resolvid[oa]|corrigid[oa])',
    resolved: 'resolvid[oa]s?|corrigid[oa]s?|fechad[oa]s?|concluíd[oa]s?|solucionad[oa]s?',
    wontFix: 'não será corrigido|por projeto|aceito',
    critical: 'crític[oa]s?|bloqueantes?',
    high: 'alt[oa]s?|graves?|maior',
    medium: 'médi[oa]s?|moderad[oa]s?',
    low: 'baix[oa]s?|leves?|menor',
    nothing: 'nenhum|nenhuma|nada',
  },
  // Italian
  {
    problems: 'problemi|errori|difetti|guasti|limitazioni|limiti|malfunzionamenti|risoluzione dei problemi',
    notes: 'riepilogo|sintesi|miglioramenti|prossimi passi|osservazioni|raccomandazioni|cronologia|riferimenti|aiuto',
    open: 'apert[oiae]|in corso|in sospeso|not[oie]|conosciut[oi]|non risolt[oiae]',
    partly: 'parzialmente|in corso|in sospeso|non (?:risolt[oa]|corrett[oa])',
    resolved: 'risolt[oiae]|corrett[oiae]|chius[oiae]|sistemat[oiae]|completat[oiae]',
    wontFix: 'non verrà corretto|previsto|accettato',
    critical: 'critic[oahi]|bloccant[ei]',
    high: 'alt[oa]|grav[ei]|maggiore',
    medium: 'medi[oa]|moderat[oa]',
    low: 'bass[oa]|liev[ei]|minore',
    nothing: 'nessuno|nessuna|nessun|niente',
  },
  // Turkish
  {
    problems: 'sorunlar|sorunları|sorun giderme|hatalar|hataları|kısıtlamalar|sınırlamalar|arızalar',
    notes: 'özet|iyileştirmeler|sonraki adımlar|notlar|öneriler|geçmiş|kaynaklar|yardım',
    open: 'açık|bilinen|bekleyen|devam eden|çözülmemiş',
    partly: 'kısmen|devam ediyor|beklemede|çözülmedi|düzeltilmedi',
    resolved: 'çözüldü|çözülen|çözülmüş|düzeltildi|düzeltilen|kapatıldı|kapalı|tamamlandı',
    wontFix: 'düzeltilmeyecek|tasarım gereği|kabul edildi',
    critical: 'kritik|engelleyici',
    high: 'yüksek|ciddi|büyük',
    medium: 'orta',
    low: 'düşük|küçük|önemsiz',
    nothing: 'yok|hiçbiri',
  },
  // Vietnamese
  {
    problems: 'vấn đề|sự cố|lỗi thường gặp|lỗi đã biết|các lỗi|hạn chế|xử lý sự cố|khắc phục sự cố',
    notes: 'tóm tắt|tổng kết|cải tiến|bước tiếp theo|ghi chú|khuyến nghị|lịch sử|tài liệu tham khảo|trợ giúp',
    open: 'đang mở|đã biết|chưa giải quyết|chưa sửa|đang chờ|mở',
    partly: 'một phần|đang xử lý|chưa (?:sửa|giải quyết|khắc phục)|đang chờ',
    resolved: 'đã (?:sửa|giải quyết|khắc phục|xử lý|đóng|hoàn thành)',
    wontFix: 'sẽ không sửa|theo thiết kế|chấp nhận',
    critical: 'nghiêm trọng|nguy cấp',
    high: 'cao|lớn',
    medium: 'trung bình|vừa',
    low: 'thấp|nhỏ',
    nothing: 'không có|chưa có',
  },
];

/** Japanese */
const signs: readonly LanguageWords[] = [
  {
    problems: '問題|不具合|エラー|既知の課題|制限事項|トラブルシューティング|障害',
    notes: 'まとめ|改善|今後の予定|メモ|備考|履歴|参考資料',
    open: '未解決|未対応|既知|対応中|保留',
    partly: '未解決|未対応|未修正|部分的|一部|対応中|調査中|保留',
    resolved: '解決済|修正済|対応済|完了|解決しました|クローズ',
    wontFix: '仕様|対応しない|修正しない',
    critical: '致命的|重大|緊急',
    high: '高',
    medium: '中',
    low: '低|軽微',
    nothing: 'なし|ありません|特になし',
  },
];

/** The words of all languages, as one alternative of a regular expression, with a bar before it. */
export function wordsOf(name: keyof LanguageWords): string {
  return `|${spaced.map((one) => one[name]).join('|')}`;
}

/** The signs of all languages, in the same form. */
export function signsOf(name: keyof LanguageWords): string {
  return `|${signs.map((one) => one[name]).join('|')}`;
}
