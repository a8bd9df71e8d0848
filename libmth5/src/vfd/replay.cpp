#include <algorithm>
#include <vector>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "vfd/journaled_file.hpp"

/// Bringing a file that was not closed to its last commit. A cut of power in here is a cut like any other: the records that are
/// replayed stay until all of it is on the medium. Page: doc/journal.md.
namespace mth5::vfd {

namespace {

struct Found {
  unsigned slot;
  Record record;
};

/// Whole records that are not void, the newest first.
std::vector<Found> records_in(const Journal& journal) {
  std::vector<Found> found;
  const std::uint64_t acknowledged = journal.acknowledged();
  for (unsigned slot = 0; slot < kSlots; ++slot)
    if (auto record = journal.read(slot); record && record->head.sequence >= acknowledged)
      found.push_back({slot, std::move(*record)});
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.record.head.sequence > b.record.head.sequence; });
  return found;
}

const Found* base_of(const std::vector<Found>& found, const Record& record) {
  const auto it = std::find_if(found.begin(), found.end(),
                               [&](const Found& other) { return other.record.head.sequence == record.head.base; });
  return it == found.end() ? nullptr : &*it;
}

}  // namespace

bool JournaledFile::matches(const Record& record) const {
  const std::uint64_t size = core::size_of(fd_, path_);
  return std::all_of(record.direct.begin(), record.direct.end(), [&](const Record::Direct& extent) {
    return extent.at + extent.size <= size && hash_in_file(extent.at, extent.size) == extent.hash;
  });
}

Replay JournaledFile::replay() {
  Replay done;
  done.journal = true;
  const auto found = records_in(*journal_);
  if (found.empty()) {  // overwritten by somebody: the file itself is all there is to go by
    done.clean = flags_in_file() == 0;
    return done;
  }
  const auto settle = [&](const Found& at) {
    sequence_ = std::max(sequence_, found.front().record.head.sequence);
    base_sequence_ = at.record.head.sequence;
    base_slot_ = newest_slot_ = at.slot;
    done.time = at.record.head.time;
    done.samples = samples_ = at.record.head.samples;
  };
  const Head& newest = found.front().record.head;
  if (newest.clean != 0) {
    settle(found.front());
    return done;
  }
  done.clean = false;

  // Older than this, nothing counts: a sync that covers it has returned.
  std::uint64_t oldest = journal_->acknowledged();
  for (const auto& each : found) oldest = std::max(oldest, each.record.head.base);
  const Found* chosen = nullptr;
  for (const auto& each : found) {
    const Head& head = each.record.head;
    if (head.sequence < oldest) break;
    // A durable record whose base is gone was acknowledged: the slot of a base is not written again before that.
    if (base_of(found, each.record) == nullptr && head.durable == 0) continue;
    if (matches(each.record)) {
      chosen = &each;
      break;
    }
    if (!done.lost_samples) {
      done.lost_samples = head.samples;
      done.lost_time = head.time;
    }
  }
  if (chosen == nullptr) {
    const auto base =
        std::find_if(found.begin(), found.end(), [&](const Found& each) { return each.record.head.sequence == oldest; });
    if (base == found.end())
      throw FormatError{path_.string() + ": its journal lacks the last commit: damaged beyond what it can put right"};
    chosen = &*base;
    done.damaged = true;
    done.lost_samples.reset();
  }
  const Head& head = chosen->record.head;
  if (done.lost_samples) done.lost_samples = std::max<std::int64_t>(0, *done.lost_samples - head.samples);

  const Found* const base = base_of(found, chosen->record);
  const auto expected = [&](std::uint8_t flags) {
    return flags == head.flags || flags == head.flags_before ||
           (base != nullptr && (flags == base->record.head.flags || flags == base->record.head.flags_before));
  };
  if (!expected(flags_in_file()))
    throw FormatError{path_.string() +
                      ": its writer died, and then another program (h5clear?) marked it as closed before its journal was "
                      "replayed"};

  // Put together first: readers that have the file open must not see the base come back before what followed it.
  RedoRanges all;
  if (base != nullptr && base != chosen)
    for (const auto* range : base->record.changed.as_written()) all.put(range->first, range->second.bytes);
  for (const auto* range : chosen->record.changed.as_written()) all.put(range->first, range->second.bytes);
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
