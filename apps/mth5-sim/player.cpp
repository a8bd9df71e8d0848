#include "player.hpp"

#include <algorithm>
#include <utility>

#include "mth5/time.hpp"

namespace sim {

namespace {

constexpr std::size_t kBlock = 1u << 16;

mth5::Nanos signal_time(std::uint64_t index, double rate_hz) {
  return mth5::sample_time(mth5::UtcNanos{}, rate_hz, static_cast<std::int64_t>(index)).time_since_epoch();
}

}  // namespace

Player::Player(const daq::simulate::Instrument& instrument, daq::simulate::RecordSource& source,
               daq::simulate::FaultMaker& faults, daq::simulate::Answers& answers, Sink& sink, Truth* truth, Stop& stop,
               const Settings& settings)
    : instrument_{instrument},
      source_{source},
      faults_{faults},
      answers_{answers},
      sink_{sink},
      truth_{truth},
      stop_{stop},
      settings_{settings} {
  sink_.set_listener([this](std::string_view bytes) { said_ += answers_.heard(bytes); });
}

void Player::run() {
  using namespace std::chrono_literals;
  auto begin = mth5::steady_now();
  auto disconnect = faults_.plan().disconnects.begin();
  auto served = faults_.plan().served.begin();
  for (std::uint64_t index = 0; !stop_.requested() && index < settings_.n_records.value_or(UINT64_MAX); ++index) {
    const auto at = signal_time(index, settings_.rate_hz);
    const auto leaves = faults_.leaves(at);
    if (settings_.speed) {
      // Absolute times, so nothing drifts; a nap is at least 1 ms, so that fast signals leave in groups.
      const auto due =
          begin + std::chrono::duration_cast<mth5::Nanos>(std::chrono::duration<double, std::nano>(leaves) / *settings_.speed);
      if (const auto now = mth5::steady_now(); due > now) {
        flush();
        wait_until(std::max(due, now + 1ms));
      }
    }
    for (; disconnect != faults_.plan().disconnects.end() && disconnect->at <= at; ++disconnect) {
      flush();
      if (!stop_.requested()) sink_.disconnect(disconnect->length);
      ++totals_.faults["disconnect"];
    }
    for (; served != faults_.plan().served.end() && served->at <= at; ++served) {
      flush();
      sink_.misbehave(served->kind, served->length);
      ++totals_.faults[daq::simulate::name_of(served->kind)];
    }
    begin += wait_for_start();
    if (stop_.requested()) break;
    const auto record = source_.next();
    if (!record) break;
    add(index, at, *record, leaves > at);
    if (block_.size() >= kBlock) flush();
  }
  add_held();
  flush();
}

void Player::wait_until(Clock::time_point until) {
  while (!stop_.requested() && mth5::steady_now() < until) {
    sink_.wait_until(until);
    answer();
  }
}

Clock::duration Player::wait_for_start() {
  if (answers_.sending()) return {};
  flush();
  const auto began = mth5::steady_now();
  while (!stop_.requested() && !answers_.sending()) wait_until(mth5::steady_now() + std::chrono::milliseconds{50});
  return mth5::steady_now() - began;
}

/// What was heard is answered between two records.
void Player::answer() {
  if (said_.empty()) return;
  block_ += std::exchange(said_, {});
  add_between("answer");
  flush();
}

void Player::add_between(std::string_view what) {
  rows_.push_back({block_.size(), false, truth_ != nullptr ? truth_->begin_between() : std::string{}, {std::string{what}}});
}

void Player::add(std::uint64_t index, mth5::Nanos at, std::string_view record, bool late) {
  if (faults_.append_garbage(block_) > 0) add_between("garbage");
  if (const auto which = faults_.answers(answers_.all().size())) {
    block_ += answers_.all()[*which];
    add_between("answer");
  }
  for (const auto& frame : source_.before()) {
    block_ += frame;
    add_between("state");
  }
  if (truth_ != nullptr || faults_.clock_offset(at) != mth5::Nanos{0}) instrument_.describe(record, description_);

  const auto offset = faults_.clock_offset(at);
  Row row{0, true, {}, {}};
  const auto stamp = description_.time && description_.says_time ? std::optional{*description_.time + offset} : std::nullopt;
  if (truth_ != nullptr) row.front = truth_->begin_record(index, description_, stamp);
  if (stamp && offset != mth5::Nanos{0}) {
    restamped_ = record;
    instrument_.set_time(restamped_, *stamp);
    record = restamped_;
    row.what.emplace_back("clock-step");
  }
  if (faults_.unlocked(at)) {
    restamped_ = record;
    instrument_.lose_lock(restamped_);
    record = restamped_;
    row.what.emplace_back("lose-lock");
  }
  const auto begin = block_.size();
  const auto fate = faults_.append_record(record, block_);
  if (late) row.what.emplace_back("late");
  if (fate.dropped) row.what.emplace_back("dropped");
  if (fate.flipped_bits > 0) row.what.emplace_back("bitflip");
  if (fate.truncated) row.what.emplace_back("truncated");
  if (fate.shortened) row.what.emplace_back("shortened");
  if (fate.duplicated) row.what.emplace_back("duplicated");
  if (fate.late && !held_) {  // what follows one that is late comes in any case
    if (!late) row.what.emplace_back("late");
    held_.emplace(std::move(row), block_.substr(begin));
    block_.resize(begin);
    return;
  }
  row.end = block_.size();
  rows_.push_back(std::move(row));
  add_held();
}

void Player::add_held() {
  if (!held_) return;
  auto [row, bytes] = *std::exchange(held_, std::nullopt);
  block_ += bytes;
  row.end = block_.size();
  rows_.push_back(std::move(row));
}

void Player::flush() {
  std::size_t done = 0;
  std::size_t begin = 0;  // of the first row not written down yet
  auto row = rows_.begin();
  while (row != rows_.end()) {
    if (sink_.sends_messages())
      done += send_messages(std::string_view{block_}.substr(done, row->end - done));
    else if (const auto rest = std::string_view{block_}.substr(done); !rest.empty())
      done += sink_.write(rest);
    for (; row != rows_.end() && row->end <= done; ++row) {
      write_down(*row, row->end - begin, false);
      begin = row->end;
    }
    if (row == rows_.end()) break;
    // The other end went, or stop is requested. What was cut goes on with the next record for the next reader.
    if (done > begin) {
      write_down(*row, done - begin, true);
      done = begin = row->end;
      ++row;
    }
    if (stop_.requested() || row == rows_.end()) break;
  }
  block_.clear();
  rows_.clear();
  if (!stop_.requested()) answer();
}

std::size_t Player::send_messages(std::string_view record) {
  std::size_t done = 0;
  while (done < record.size()) {
    auto message = record.substr(done);
    const auto& last = instrument_.message_end;
    if (const auto at = last.empty() ? std::string_view::npos : message.find(last); at != std::string_view::npos)
      message = message.substr(0, at + last.size());
    const auto taken = sink_.write(message);
    done += taken;
    if (taken < message.size()) break;
  }
  return done;
}

void Player::write_down(const Row& row, std::size_t bytes, bool broken_off) {
  std::string what;
  const auto add_what = [&](const std::string& kind) {
    what += (what.empty() ? "" : "+") + kind;
    ++totals_.faults[kind];
  };
  for (const auto& kind : row.what) add_what(kind);
  if (broken_off) add_what("broken-off");
  totals_.records += row.is_record ? 1 : 0;
  totals_.bytes += bytes;
  if (truth_ != nullptr) truth_->write(row.front, what.empty() ? "sent" : what, bytes);
}

}  // namespace sim
