/** English words that carry no topic. Contractions lose their ending before the look-up, hence `don` and `isn`. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about above according across after again against all almost alone along already also although always am among an
  and another any anyone anything are aren around as at away back be became because become been before behind being
  below between both but by came can cannot come could couldn did didn do does doesn doing don done down during each
  either else enough etc even ever every everyone everything except few first following for from further get gets give
  given go goes going got had hadn has hasn have haven having he hence her here hers herself herein hereby hereof him
  himself his how however i if in include indeed instead into is isn it its itself just keep last least less let like likely including included includes mean means
  ll made make makes many may maybe me might more moreover most much must my myself neither never next no nobody non
  none nor not nothing now of off often on once one ones only onto or other others otherwise our ours ourselves out
  over own per perhaps please provided put quite rather re really s said same say see seem seems several shall shan
  she should shouldn since so some someone something sometimes still such t take than that the their theirs them
  themselves then there thereby therefore therein thereof these they thing things this those though three through
  thus to together too toward towards two under unless until up upon us use used useful using usually ve very via was
  wasn way we well were weren what whatever when where whereas whether which while who whole whom whose why will with
  within without won would wouldn yet you your yours yourself yourselves`.split(/\s+/u),
);

/** True for lower-cased English function words. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}
