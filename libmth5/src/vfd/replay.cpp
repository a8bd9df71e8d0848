#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <tuple>
#include <vector>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "vfd/journaled_file.hpp"

/// Bringing a file that was not closed to its last commit. A cut of power in here is a cut like any other: the records that are
/// replayed stay until all of it is on the medium. Page: doc/journal.md.
namespace mth5::vfd {

namespace {

using Chain = std::vector<Record>;

/// A commit that can be come back to: a record, or a frame behind it with all that is before it.
struct Found {
  unsigned slot;
  const Chain* chain;
  std::size_t index;  ///< in the chain
  [[nodiscard]] const Head& head() const { return (*chain)[index].head; }
};

/// The whole ones that are not void, the newest first.
std::vector<Found> commits_in(const std::array<Chain, kSlots>& chains, std::uint64_t acknowledged) {
  std::vector<Found> found;
  for (unsigned slot = 0; slot < kSlots; ++slot)
    for (std::size_t i = 0; i < chains[slot].size(); ++i)
      if (chains[slot][i].head.sequence >= acknowledged) found.push_back({slot, &chains[slot], i});
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.head().sequence > b.head().sequence; });
  return found;
}

const Found* base_of(const std::vector<Found>& found, const Head& head) {
  const auto it =
      std::find_if(found.begin(), found.end(), [&](const Found& other) { return other.head().sequence == head.base; });
  return it == found.end() ? nullptr : &*it;
}

/// What a chain says of the file at one of its commits.
class State {
 public:
  struct Direct {
    std::uint64_t size, hash;
  };

  explicit State(const Found& at) {
    for (std::size_t i = 0; i <= at.index; ++i) add((*at.chain)[i], at.head().base);
  }
  /// To be put in their places.
  [[nodiscard]] const RedoRanges& changed() const { return changed_; }
  /// To be there: what was written straight since the base. What was cut out of one its frame lists again.
  [[nodiscard]] const std::map<std::uint64_t, Direct>& direct() const { return direct_; }

 private:
  void add(const Record& record, std::uint64_t base) {
    for (const auto* range : record.changed.as_written()) {
      changed_.put(range->first, range->second.bytes);
      forget_direct(range->first, range->first + range->second.bytes.size());
    }
    changed_.cut(record.head.end);
    forget_direct(record.head.end, UINT64_MAX);
    for (const auto& direct : record.direct) {
      changed_.carve(direct.at, direct.at + direct.size);
      forget_direct(direct.at, direct.at + direct.size);
      direct_.emplace(direct.at, Direct{direct.size, direct.hash});
    }
    if (record.head.sequence == base) direct_.clear();  // its sync has returned
  }
  void forget_direct(std::uint64_t from, std::uint64_t to) {
    auto it = direct_.upper_bound(from);
    if (it != direct_.begin() && std::prev(it)->first + std::prev(it)->second.size > from) --it;
    while (it != direct_.end() && it->first < to) it = direct_.erase(it);
  }

  RedoRanges changed_;
  std::map<std::uint64_t, Direct> direct_;
};

}  // namespace

Replay JournaledFile::replay() {
  Replay done;
  done.journal = true;
  std::array<Chain, kSlots> chains;
  for (unsigned slot = 0; slot < kSlots; ++slot) chains[slot] = journal_->read_chain(slot);
  const auto found = commits_in(chains, journal_->acknowledged());
  if (found.empty()) {  // overwritten by somebody: the file itself is all there is to go by
    done.clean = flags_in_file() == 0;
    return done;
  }
  const auto settle = [&](const Found& at) {
    sequence_ = std::max(sequence_, found.front().head().sequence);
    base_sequence_ = at.head().sequence;
    base_slot_ = newest_slot_ = at.slot;
    done.time = at.head().time;
    done.samples = samples_ = at.head().samples;
  };
  const Head& newest = found.front().head();
  if (newest.clean != 0) {
    settle(found.front());
    return done;
  }
  done.clean = false;

  // Older than this, nothing counts: a sync that covers it has returned.
  std::uint64_t oldest = journal_->acknowledged();
  for (const auto& each : found) oldest = std::max(oldest, each.head().base);
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, bool> known;
  const std::uint64_t file_bytes = core::size_of(fd_, path_);
  const auto is_there = [&](std::uint64_t at, const State::Direct& direct) {
    const auto [it, asked_first] = known.try_emplace({at, direct.size, direct.hash}, false);
    if (asked_first) it->second = at + direct.size <= file_bytes && hash_in_file(at, direct.size) == direct.hash;
    return it->second;
  };
  const Found* chosen = nullptr;
  for (const auto& each : found) {
    const Head& head = each.head();
    if (head.sequence < oldest) break;
    // A durable record whose base is gone was acknowledged: the slot of a base is not written again before that.
    if (base_of(found, head) == nullptr && head.durable == 0) continue;
    const State state{each};
    if (std::all_of(state.direct().begin(), state.direct().end(),
                    [&](const auto& one) { return is_there(one.first, one.second); })) {
      chosen = &each;
      break;
    }
    if (!done.lost_samples) {
      done.lost_samples = head.samples;
      done.lost_time = head.time;
    }
  }
  if (chosen == nullptr) {
    const auto base = std::find_if(found.begin(), found.end(), [&](const Found& each) { return each.head().sequence == oldest; });
    if (base == found.end())
      throw FormatError{path_.string() + ": its journal lacks the last commit: damaged beyond what it can put right"};
    chosen = &*base;
    done.damaged = true;
    done.lost_samples.reset();
  }
  const Head& head = chosen->head();
  if (done.lost_samples) done.lost_samples = std::max<std::int64_t>(0, *done.lost_samples - head.samples);

  const Found* const base = base_of(found, head);
  const auto expected = [&](std::uint8_t flags) {
    return flags == head.flags || flags == head.flags_before ||
           (base != nullptr && (flags == base->head().flags || flags == base->head().flags_before));
  };
  if (!expected(flags_in_file()))
    throw FormatError{path_.string() +
                      ": its writer died, and then another program (h5clear?) marked it as closed before its journal was "
                      "replayed"};

  // Put together first: readers that have the file open must not see the base come back before what followed it.
  RedoRanges all;
  if (base != nullptr && base->slot != chosen->slot) all = State{*base}.changed();
  const State state{*chosen};
  for (const auto* range : state.changed().as_written()) all.put(range->first, range->second.bytes);
  for (const auto& [at, direct] : state.direct()) all.carve(at, at + direct.size);
  const std::uint64_t size = core::size_of(fd_, path_);
  if (before_) {
    for (const auto& [at, contents] : all.ranges()) before_->save(at, contents.bytes.size());
    before_->save_tail(head.end);
    before_->sync();
    done.not_kept = before_->not_kept();
  }
  // First, as it is the one thing here that a file system may refuse (a limit, no room) while nothing was changed yet.
  if (size < head.end) core::set_size(fd_, head.end, path_);
  // In the order in which the writer would have: a reader looks between any two of these writes.
  for (const auto* range : all.as_written()) {
    const auto& bytes = range->second.bytes;
    core::write_all(fd_, bytes.data(), bytes.size(), range->first, path_);
    ++done.ranges;
    done.bytes += bytes.size();
  }
  core::sync_data(fd_, path_);

  // Only when all is in its place the records may go, and only then what lies behind the end: one of them may have its body
  // there.
  settle(*chosen);
  if (base != nullptr) base_slot_ = base->slot;
  end_ = head.end;
  flags_ = flags_in_place_ = head.flags;
  write_record(next_head(true, true));
  core::sync_data(fd_, path_);
  become_base();
  wipe_all_but_base();
  if (size > head.end) {
    done.cut_bytes = size - head.end;
    core::set_size(fd_, head.end, path_);
  }
  return done;
}

}  // namespace mth5::vfd
