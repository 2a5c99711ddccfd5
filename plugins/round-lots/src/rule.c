/* Refuses orders that are smaller than a round lot, or not made of whole ones. */
#define OUTCRY_VALIDATION
#include "outcry_rules.h"

enum { ODD = 1, MIXED = 2, NO_ROUND_LOT = 100, NO_SWITCH = 101 };

static uint64_t round_lot = 1;
static int mixed_allowed;

uint32_t outcry_configure(const int64_t *words, size_t count) {
  if (count != 2) return OUTCRY_WRONG_PARAMETERS;
  if (words[0] < 1) return NO_ROUND_LOT;
  if (words[1] != 0 && words[1] != 1) return NO_SWITCH;
  round_lot = (uint64_t)words[0];
  mixed_allowed = (int)words[1];
  return 0;
}

uint32_t outcry_check(const outcry_order *order) {
  if (order->total_quantity < round_lot) return ODD;
  if (!mixed_allowed && order->total_quantity % round_lot != 0) return MIXED;
  return 0;
}

const char *outcry_explain(uint32_t code) {
  switch (code) {
    case ODD: return "the order is smaller than a round lot";
    case MIXED: return "the order is not made of whole round lots";
    case NO_ROUND_LOT: return "round_lot is less than 1";
    case NO_SWITCH: return "mixed is neither 0 nor 1";
    default: return "the rule has no words for this code";
  }
}
