#include "acquisition/status/flow.hpp"

#include <algorithm>

namespace daq::status {

std::string_view to_string(Delivery delivery) {
  switch (delivery) {
    case Delivery::Waiting:
      return "waiting";
    case Delivery::NoData:
      return "no-data";
    case Delivery::Garbage:
      return "garbage";
    case Delivery::Receiving:
      return "receiving";
    case Delivery::Ended:
      return "ended";
  }
  return "";
}

Flow::Flow(std::chrono::duration<double> period, Steady::time_point now)
    : silence_{std::max<Steady::duration>(kLeastSilence, std::chrono::duration_cast<Steady::duration>(5 * period))}, lost_{now} {}

void Flow::connected(Steady::time_point now) {
  connected_ = now;
  silent_since_.reset();
}

void Flow::disconnected(Steady::time_point now) {
  if (connected_) lost_ = now;
  connected_.reset();
}

void Flow::ended(Steady::time_point now) { ended_ = now; }

void Flow::received(Steady::time_point now, std::uint64_t frames, std::uint64_t stored) {
  if (!is_recent(last_data_, now)) {
    const auto since = std::max(connected_.value_or(now), last_data_.value_or(Steady::time_point::min()));
    silent_since_ = now > since + silence_ ? std::optional{since} : std::nullopt;
    first_data_ = now;
  }
  last_data_ = now;
  if (frames != frames_) {
    if (!is_recent(last_frame_, now)) frames_since_ = now;
    last_frame_ = now;
    frames_ = frames;
  }
  if (stored != stored_) {
    last_stored_ = now;
    stored_ = stored;
  }
}

Flow::Verdict Flow::at(Steady::time_point now) const {
  if (ended_) return {Delivery::Ended, *ended_};
  if (!connected_) return {Delivery::Waiting, lost_};
  if (is_recent(last_frame_, now)) return {Delivery::Receiving, *frames_since_};
  if (is_recent(last_data_, now)) {
    // A first piece of a frame is no garbage yet: until it is, nothing has changed.
    const auto since = last_frame_ ? std::max(*last_frame_, *first_data_) : *first_data_;
    if (now > since + silence_) return {Delivery::Garbage, since};
    return silent_since_ ? Verdict{Delivery::NoData, *silent_since_} : Verdict{Delivery::Waiting, *connected_};
  }
  if (last_data_) return {Delivery::NoData, *last_data_};
  return now > *connected_ + silence_ ? Verdict{Delivery::NoData, *connected_} : Verdict{Delivery::Waiting, *connected_};
}

}  // namespace daq::status
