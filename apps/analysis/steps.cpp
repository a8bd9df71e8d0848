#include "analysis/steps.hpp"

#include <algorithm>

namespace analysis {

bool tells_of_time_only(std::string_view reason) {
  return reason == "clock-step" || reason == "clock-drift" || reason == "out-of-order";
}

void Steps::link(std::size_t before, std::size_t after, bool step) {
  next_.resize(std::max({next_.size(), before + 1, after + 1}));
  auto& next = next_[before];
  if (!next)
    next = Next{after, step};
  else if (next->run == after)  // several rows for the same end: one that says so is enough
    next->step |= step;
}

void Steps::settle() {
  place_.assign(next_.size(), std::nullopt);
  std::vector<bool> has_one_before(next_.size(), false);
  for (const auto& next : next_)
    if (next) has_one_before.at(next->run) = true;
  for (std::size_t first = 0; first < next_.size(); ++first) {
    if (has_one_before[first]) continue;
    Place place{first, 0};
    for (std::size_t run = first; !place_[run]; run = next_[run]->run) {
      place_[run] = place;
      if (!next_[run]) break;
      if (next_[run]->step) ++place.steps;
    }
  }
}

bool Steps::between(std::size_t a, std::size_t b) const {
  if (a >= place_.size() || b >= place_.size()) return false;
  const auto& one = place_[a];
  const auto& other = place_[b];
  return one && other && one->chain == other->chain && one->steps != other->steps;
}

}  // namespace analysis
