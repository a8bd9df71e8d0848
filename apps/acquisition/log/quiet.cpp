#include "acquisition/log/quiet.hpp"

namespace daq::log {

std::pair<Quiet::Held*, bool> Quiet::find(const std::string& kind) {
  tick();
  auto known = kinds_.find(kind);
  const std::string rest;  // what all further kinds share
  if (known == kinds_.end() && kinds_.size() >= kMostKinds) known = kinds_.find(rest);
  if (known != kinds_.end()) return {&known->second, true};
  return {&kinds_[kinds_.size() < kMostKinds ? kind : rest], false};
}

void Quiet::say(spdlog::level::level_enum level, const std::string& kind, std::string text) {
  auto [held, known] = find(kind);
  held->level = level;
  if (known) {
    held->newest = std::move(text);
    held->at = mth5::host_now();
    ++held->held;
  } else {
    log_->log(level, "{}", text);
  }
}

bool Quiet::may_say(const std::string& kind) { return !find(kind).second; }

void Quiet::tick() {
  const auto now = mth5::steady_now();
  for (auto i = kinds_.begin(); i != kinds_.end();) {
    auto& held = i->second;
    if (now < held.said + kEvery) {
      ++i;
    } else if (held.held == 0) {
      i = kinds_.erase(i);  // a quiet minute: the next one is news again
    } else {
      write(held);
      held.said = now;
      held.held = 0;
      ++i;
    }
  }
}

void Quiet::flush() {
  for (auto& [kind, held] : kinds_)
    if (held.held > 0) write(held);
  kinds_.clear();
}

void Quiet::write(const Held& held) const {
  log_->log(held.level, "{} repeated={} last={}", held.newest, held.held, mth5::to_iso(held.at));
}

}  // namespace daq::log
