#include "vfd/journaled_file.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"

namespace mth5::vfd {

namespace {

constexpr std::uint64_t kFlagsAt = 11;  ///< of superblock versions 2 and 3 (HDF5 file format, II.A)
constexpr std::size_t kRead = 65536;
constexpr std::uint64_t kMostTakenAlong = 32768;

}  // namespace

/// The first failure is the last thing that happens to a file.
template <class Body>
auto JournaledFile::final_failure(Body body) {
  try {
    return body();
  } catch (const FileError& e) {
    keep_failure(e.what(), e.code());
    throw;
  }
}

void JournaledFile::keep_failure(std::string why, std::error_code code) {
  if (failure_.empty()) {
    failure_ = std::move(why);
    failure_code_ = code;
  }
  abandoned_ = true;
}

JournaledFile JournaledFile::create(int fd, std::filesystem::path path, std::uint64_t user_block) {
  JournaledFile store{fd, std::move(path)};
  store.journal_ = Journal::create(fd, store.path_, user_block);
  store.fresh_ = true;
  return store;
}

JournaledFile JournaledFile::open(int fd, std::filesystem::path path, Replay& done, const std::filesystem::path& before) {
  JournaledFile store{fd, std::move(path)};
  store.journal_ = Journal::find(fd, store.path_);
  if (!before.empty()) {
    store.before_ = std::make_unique<UndoFile>(fd, before);
    store.before_->save(0, store.user_block());
  }
  if (store.journal_) done = store.replay();
  store.end_ = store.visible_end_ = store.base_end_ = store.size_ = core::size_of(fd, store.path_);
  store.flags_ = store.flags_in_place_ = store.flags_in_file();
  return store;
}

JournaledFile JournaledFile::rehearse(int fd, std::filesystem::path path) {
  JournaledFile store{fd, std::move(path)};
  store.journal_ = Journal::find(fd, store.path_);
  store.flags_ = store.flags_in_place_ = store.flags_in_file();
  if ((store.journal_ && !store.journal_->is_clean()) || store.flags_ != 0)
    throw StateError{store.path_.string() + ": was recovered, but its journal still does not say that it is closed: damaged"};
  store.end_ = store.visible_end_ = store.base_end_ = store.size_ = core::size_of(fd, store.path_);
  store.rehearsal_ = true;
  return store;
}

void JournaledFile::keep_before(std::uint64_t at, std::uint64_t size) {
  if (!before_) return;
  before_->save(at, size);
  before_->sync();
}

/// Before the first change to a file that was clean. Another program may have changed it since: what it left is what a recovery
/// comes back to. A file that is opened and found unfit stays as it is.
void JournaledFile::mark_open() {
  Head head = next_head(true, false);
  head.end = visible_end_;
  head.flags = flags_in_place_;
  journal_->encode(head, {}, {});
  base_slot_ = newest_slot_ = free_slot();
  next_ = behind_base_ = journal_->write(base_slot_);
  base_sequence_ = sequence_ = head.sequence;
  core::sync_data(fd_, path_);
  journal_->acknowledge(sequence_);
  marked_ = true;
}

void JournaledFile::read(std::uint64_t at, void* bytes, std::size_t size) const {
  // Zeros in place of what was cut off do not fit their checksum, and what does not HDF5 reads again, a hundred times with pauses
  // that double: for ever. (H5Fstart_swmr_write() undoes H5Pset_metadata_read_attempts().)
  check_not_cut();
  core::read_all(fd_, bytes, size, at, path_);
  char* const to = static_cast<char*>(bytes);
  for (const auto& entry : log_) {
    const std::uint64_t from = std::max(at, entry.at);
    const std::uint64_t until = std::min(at + size, entry.at + entry.size);
    if (from < until) std::memcpy(to + (from - at), arena_.data() + entry.from + (from - entry.at), until - from);
  }
}

void JournaledFile::write(std::uint64_t at, std::span<const char> bytes, bool raw) {
  if (raw) last_raw_write_ = {at, bytes.size()};
  end_ = std::max(end_, at + bytes.size());
  if (abandoned_ || rehearsal_) return log(at, bytes);  // for HDF5 to read again; no commit comes any more
  note_flags(at, bytes);
  const std::uint64_t seen = at >= visible_end_ ? 0 : std::min<std::uint64_t>(bytes.size(), visible_end_ - at);
  if (seen > 0) log(at, bytes.first(seen));
  if (seen == bytes.size()) return;
  try {
    write_straight(at + seen, bytes.subspan(seen), raw);
  } catch (const FileError&) {
    // Told by failure(). HDF5 1.10 does not survive a write that fails: later calls crash or hang.
    log(at + seen, bytes.subspan(seen));
  }
}

void JournaledFile::write_new(std::uint64_t at, std::span<const char> bytes) {
  if (abandoned_) return;
  end_ = std::max(end_, at + bytes.size());
  if (rehearsal_) return log(at, bytes);
  write_straight(at, bytes, true);
}

/// What is written behind a cut would look like a whole file with zeros in it.
void JournaledFile::check_not_cut() const {
  const std::uint64_t now = core::size_of(fd_, path_);
  if (now < size_)
    throw FileError{path_.string() + ": has " + std::to_string(now) + " of the " + std::to_string(size_) +
                    " bytes that were written: another program cut it; nothing more is written to it"};
}

void JournaledFile::fill_ahead(std::uint64_t at, std::size_t size) {
  if (abandoned_ || rehearsal_ || durable_in_a_row_ < 2) return;
  const std::vector<char> zeros(size);
  final_failure([&] {
    check_not_cut();
    keep_before(at, size);
    core::write_all(fd_, zeros.data(), size, at, path_, make_room_);
  });
  changed_.carve(at, at + size);
  size_ = std::max(size_, at + size);
}

void JournaledFile::log(std::uint64_t at, std::span<const char> bytes) {
  log_.push_back({at, arena_.size(), bytes.size()});
  arena_.insert(arena_.end(), bytes.begin(), bytes.end());
}

void JournaledFile::write_straight(std::uint64_t at, std::span<const char> bytes, bool raw) {
  final_failure([&] {
    check_not_cut();
    keep_before(at, bytes.size());
    core::write_all(fd_, bytes.data(), bytes.size(), at, path_, make_room_);
  });
  size_ = std::max(size_, at + bytes.size());
  if (!journal_ || fresh_) return;
  direct_.add(at, bytes, raw);
  // What the journal has of it is of something else that was there: space that HDF5 gave back and uses again.
  changed_.carve(at, at + bytes.size());
}

void JournaledFile::note_flags(std::uint64_t at, std::span<const char> bytes) {
  const std::uint64_t flags_at = user_block() + kFlagsAt;
  if (at <= flags_at && flags_at < at + bytes.size()) flags_ = static_cast<std::uint8_t>(bytes[flags_at - at]);
}

std::uint8_t JournaledFile::flags_in_file() const {
  std::uint8_t flags = 0;
  core::read_all(fd_, &flags, 1, user_block() + kFlagsAt, path_);
  return flags;
}

void JournaledFile::fold() {
  for (const auto& entry : log_) {
    changed_.put(entry.at, contents(entry));
    added_.put(entry.at, contents(entry));
    direct_.carve(entry.at, entry.at + entry.size);
  }
  if (end_ < visible_end_ || end_ < size_) {  // HDF5 gave space at the end back, which may have been written before
    changed_.cut(end_);
    added_.cut(end_);
    direct_.carve(end_, UINT64_MAX);
  }
}

/// New blocks of an index, which are changed next: with their contents in the record of a base, the commits that do are no reason
/// for another sync. Not all that a large edit makes.
void JournaledFile::take_new_metadata_along() {
  std::vector<char> bytes;
  std::uint64_t room = kMostTakenAlong;
  for (const auto& [at, size] : direct_.metadata()) {
    if (size > room) continue;
    room -= size;
    bytes.resize(size);
    core::read_all(fd_, bytes.data(), size, at, path_);
    changed_.put(at, bytes);
    added_.put(at, bytes);
    direct_.carve(at, at + size);
  }
}

bool JournaledFile::can_be_undone() const {
  return end_ >= base_end_ && std::all_of(log_.begin(), log_.end(), [&](const Entry& entry) {
           const std::uint64_t until = std::min(entry.at + entry.size, base_end_);
           return entry.at >= until || undone_by_base_.contains(entry.at, until);
         });
}

std::uint64_t JournaledFile::hash_in_file(std::uint64_t at, std::uint64_t size) const {
  std::array<char, kRead> bytes;
  Hash hash;
  while (size > 0) {
    const auto n = std::min<std::uint64_t>(size, bytes.size());
    core::read_all(fd_, bytes.data(), n, at, path_);
    hash.add(bytes.data(), n);
    at += n;
    size -= n;
  }
  return hash.value();
}

const std::vector<Record::Direct>& JournaledFile::direct(Which which) {
  listed_.clear();
  const auto read = [&](std::uint64_t at, std::uint64_t size) { return hash_in_file(at, size); };
  const auto list = [&](std::uint64_t at, std::uint64_t size, std::uint64_t hash) { listed_.push_back({at, size, hash}); };
  if (which == Which::All)
    direct_.each(read, list);
  else
    direct_.each_new(read, list);
  return listed_;
}

Head JournaledFile::next_head(bool durable, bool clean) const {
  Head head{};
  head.sequence = sequence_ + 1;
  head.base = base_sequence_;
  head.end = end_;
  head.samples = samples_;
  head.time = host_now().time_since_epoch().count();
  head.clean = clean ? 1 : 0;
  head.durable = durable ? 1 : 0;
  head.flags = flags_;
  head.flags_before = flags_in_place_;
  return head;
}

unsigned JournaledFile::free_slot() const {
  unsigned slot = 0;
  while (slot == base_slot_ || slot == newest_slot_) ++slot;
  assert(slot < kSlots);  // three slots, two of them in use
  return slot;
}

void JournaledFile::write_record(const Head& head) {
  assert(head.sequence == sequence_ + 1 && head.base == base_sequence_);
  journal_->encode(head, changed_, direct(Which::All));
  newest_slot_ = free_slot();
  next_ = journal_->write(newest_slot_);
  sequence_ = head.sequence;
}

void JournaledFile::become_base() {
  assert(sequence_ > base_sequence_);
  journal_->acknowledge(sequence_);
  base_slot_ = newest_slot_;
  base_sequence_ = sequence_;
  base_end_ = end_;
  base_order_ = changed_.order();
  behind_base_ = next_;
  undone_by_base_.assign(changed_);
  direct_.clear();
}

void JournaledFile::sync() {
  try {
    core::sync_data(fd_, path_);
  } catch (const FileError&) {
    // What the page cache holds may be lost and looks as if it were there: only what the last good sync covered is to be
    // believed.
    if (journal_) wipe_all_but_base();
    throw;
  }
}

void JournaledFile::checkpoint(bool clean) {
  if (size_ < end_) core::set_size(fd_, size_ = end_, path_);
  sync();
  changed_.clear();
  added_.clear();
  direct_.clear();
  write_record(next_head(true, clean));
  sync();
  become_base();
  visible_end_ = end_;
  flags_in_place_ = flags_;
  fresh_ = false;
  marked_ = true;
}

bool JournaledFile::commit(bool durable, std::int64_t samples) {
  if (abandoned_) throw FileError{failure_.empty() ? path_.string() + ": is not written any more" : failure_, failure_code_};
  samples_ = samples;
  if (rehearsal_) {
    visible_end_ = end_;
    return durable;
  }
  return final_failure([&] {
    check_not_cut();
    if (!journal_) {
      keep_before();
      apply();
      cut();
      if (durable) sync();
      return durable;
    }
    if (fresh_) {
      if (durable) checkpoint(false);
      return durable;
    }
    const bool nothing = log_.empty() && end_ == visible_end_;
    if (nothing && base_sequence_ == sequence_) return true;
    if (nothing && !durable) return false;
    keep_before();
    if (!marked_) mark_open();
    if (!durable) durable = !can_be_undone();
    fold();
    if (durable) take_new_metadata_along();
    Head head = next_head(durable, false);
    bool spilled = false;
    journal_->encode(head, added_, direct(Which::New));
    const bool is_frame = journal_->fits(next_.at);
    if (!is_frame) {
      // What was changed long ago a base undoes as long as it is in its record: it is taken along as far as there is room.
      changed_.forget_oldest(base_order_, journal_->slot_bytes() / 4);
      journal_->encode(head, changed_, direct(Which::All));
      spilled = !journal_->fits();
    }
    added_.clear();
    if (journal_->body_bytes() > kMostBody)
      throw FileError{path_.string() + ": one change of " + std::to_string(journal_->body_bytes() >> 20) +
                      " MiB is more than a journal takes (" + std::to_string(kMostBody >> 20) + " MiB): change less at once"};
    if (spilled && !durable) {
      durable = true;
      head.durable = 1;
      journal_->encode(head, changed_, direct(Which::All));
    }
    if (spilled) {
      const std::uint64_t at = std::max(size_, end_);
      journal_->write_body(at);
      size_ = at + journal_->body_bytes();
      sync();
    }
    assert(head.sequence == sequence_ + 1 && head.base == base_sequence_ && (durable || end_ >= base_end_));
    if (!is_frame) newest_slot_ = free_slot();
    if (spilled)
      journal_->write_head(newest_slot_);
    else
      next_ = journal_->write(newest_slot_, is_frame ? next_ : NextFrame{});
    sequence_ = head.sequence;
    if (durable) {
      sync();
      become_base();
    }
    apply();
    // The body lies where HDF5 will put what is new: before that it must not be needed any more.
    if (spilled) checkpoint(false);
    if (durable) cut();
    durable_in_a_row_ = durable ? durable_in_a_row_ + 1 : 0;
    return durable;
  });
}

/// What lies behind the end of the last commit, which nothing needs any more.
void JournaledFile::cut() {
  if (size_ <= end_) return;
  if (before_) {
    before_->save_tail(end_);
    before_->sync();
  }
  core::set_size(fd_, size_ = end_, path_);
}

void JournaledFile::apply() {
  if (before_) {
    for (const auto& entry : log_) before_->save(entry.at, entry.size);
    before_->sync();
  }
  if (size_ < end_) core::set_size(fd_, size_ = end_, path_);
  assert(size_ >= end_);
  // Readers must not meet the superblock as it was in the middle of an edit.
  const auto is_superblock = [&](const Entry& entry) { return entry.at == user_block(); };
  const auto last = std::find_if(log_.rbegin(), log_.rend(), is_superblock);
  const Entry* const superblock = last == log_.rend() ? nullptr : &*last;
  for (std::size_t i = 0; i < log_.size(); ++i) {
    Entry entry = log_[i];
    if (entry.at >= end_ || (is_superblock(entry) && &log_[i] != superblock)) continue;
    // What was written right behind it next goes with it: its contents lie there, too.
    for (; i + 1 < log_.size() && log_[i + 1].at == entry.at + entry.size; ++i) entry.size += log_[i + 1].size;
    const auto bytes = contents(entry).first(std::min<std::uint64_t>(entry.size, end_ - entry.at));
    core::write_all(fd_, bytes.data(), bytes.size(), entry.at, path_, make_room_);
  }
  log_.clear();
  arena_.clear();
  visible_end_ = end_;
  flags_in_place_ = flags_;
}

void JournaledFile::close() {
  if (abandoned_ || rehearsal_) return;
  final_failure([&] {
    if (marked_) {
      keep_before();
      checkpoint(true);
      wipe_all_but_base();
    }
    if (before_) before_->finish();
  });
  abandoned_ = marked_;
}

void JournaledFile::wipe_all_but_base() {
  for (unsigned slot = 0; slot < kSlots; ++slot)
    if (slot != base_slot_) journal_->wipe(slot);
  journal_->wipe(base_slot_, behind_base_.at);
}

}  // namespace mth5::vfd
