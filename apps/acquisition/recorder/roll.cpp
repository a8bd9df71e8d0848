#include "acquisition/recorder/roll.hpp"

namespace daq::recorder {

std::optional<mth5::UtcNanos> mark_behind(const config::Output& output, mth5::UtcNanos time) {
  const auto every = output.roll_every.count();
  if (every == 0) return std::nullopt;
  std::int64_t since = 0, mark = 0;
  const auto first = std::chrono::nanoseconds{output.roll_at}.count();
  if (__builtin_sub_overflow(time.time_since_epoch().count(), first, &since)) return std::nullopt;
  const auto within = (since % every + every) % every;
  if (__builtin_add_overflow(time.time_since_epoch().count() - within, every, &mark)) return std::nullopt;
  return mth5::UtcNanos{mth5::Nanos{mark}};
}

}  // namespace daq::recorder
