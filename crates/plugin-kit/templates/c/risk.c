/* {{description}}. */
#define OUTCRY_RISK
#include "outcry_rules.h"

/* A limit above this is as good as none, and nothing overflows below it. */
#define LIMIT_MAX ((int64_t)1 << 61)

enum { TOO_LONG = 1 };

static int64_t max_position;

/* The parameters, in the order of plugin.toml. */
uint32_t outcry_configure(const int64_t *words, size_t count) {
  if (count != 1 || words[0] < 0 || words[0] > LIMIT_MAX) return OUTCRY_WRONG_PARAMETERS;
  max_position = words[0];
  return 0;
}

uint64_t outcry_check(const outcry_order *order, const outcry_context *context) {
  if (order->flags & OUTCRY_SELL) return outcry_verdict(0, 0);
  /* What the account may still buy once its working buys have traded; a position is below 2^63 lots either way. */
  int64_t room = max_position - context->position;
  int fits = room >= 0 && context->open_buy <= (uint64_t)room && order->quantity <= (uint64_t)room - context->open_buy;
  return outcry_verdict(fits ? 0 : TOO_LONG, 0);
}

const char *outcry_explain(uint32_t code) {
  return code == TOO_LONG ? "the account could own too many lots" : "the rule has no words for this code";
}
