#include "vfd/journal.hpp"

#include <fcntl.h>
#include <sys/types.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>
#include <string_view>
#include <system_error>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "mth5/io.hpp"

namespace mth5::vfd {

static_assert(std::endian::native == std::endian::little, "the journal is little-endian");
static_assert(sizeof(off_t) == 8 && sizeof(std::size_t) == 8, "offsets of files and sizes of records need 64 bits");

namespace {

constexpr std::array<char, 8> kRecordMagic{'M', 'T', 'H', '5', 'J', 'R', 'E', 'C'};
constexpr std::array<char, 8> kFrameMagic{'M', 'T', 'H', '5', 'J', 'A', 'D', 'D'};
constexpr std::string_view kHeaderMagic = "mth5 journal 1\n";
constexpr std::uint64_t kMostUserBlock = std::uint64_t{1} << 30;

/// At the beginning of the file. People who look at it with `head` read the text.
struct Header {
  std::array<char, 16> magic;
  std::uint64_t file_id;
  std::uint64_t user_block;
  std::uint64_t hash;  ///< of the above
  std::array<char, 216> text;
};
static_assert(sizeof(Header) == 256);
constexpr std::string_view kText =
    "\nMTH5 file. The HDF5 part begins behind this user block, which keeps the file whole through a cut of power; "
    "any HDF5 program reads it as it is. After a crash: mth5-recover FILE\n";
static_assert(kText.size() < sizeof(Header::text));

/// Behind the header, in its sector.
struct Mark {
  std::uint64_t file_id;
  std::uint64_t sequence;
  std::uint64_t hash;  ///< of the above
};
constexpr std::uint64_t kMarkAt = sizeof(Header);

std::uint32_t link_to(const Head& head) { return static_cast<std::uint32_t>(head.hash) | 1; }  // never 0

/// Of a durable record or frame: what is written later shares no page with it.
std::uint64_t next_page(std::uint64_t at) { return (at + kPage - 1) / kPage * kPage; }

std::uint64_t head_hash(const Head& head) {
  constexpr std::size_t from = offsetof(Head, file_id);
  return hash_of(reinterpret_cast<const char*>(&head) + from, sizeof head - from);
}

void put(char*& to, const void* bytes, std::size_t size) {
  std::memcpy(to, bytes, size);
  to += size;
}

template <class T>
T take(const char*& from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  from += sizeof value;
  return value;
}

}  // namespace

Journal Journal::create(int fd, const std::filesystem::path& path, std::uint64_t user_block) {
  Journal journal{fd, path};
  journal.user_block_ = std::bit_ceil(std::max(user_block, kLeastUserBlock));
  while (io().fallocate(fd, static_cast<off_t>(journal.user_block_)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP) break;  // a file system without it allocates when it is written
    throw FileError{path.string() + ": no room for its journal: " + std::generic_category().message(errno),
                    {errno, std::generic_category()}};
  }
  std::random_device random;
  journal.file_id_ = std::uint64_t{random()} << 32 | random();
  Header header{};
  std::copy(kHeaderMagic.begin(), kHeaderMagic.end(), header.magic.begin());
  header.file_id = journal.file_id_;
  header.user_block = journal.user_block_;
  header.hash = hash_of(&header, offsetof(Header, hash));
  std::copy(kText.begin(), kText.end(), header.text.begin());
  core::write_all(fd, &header, sizeof header, 0, path);
  return journal;
}

std::optional<Journal> Journal::find(int fd, const std::filesystem::path& path) {
  Header header{};
  core::read_all(fd, &header, sizeof header, 0, path);
  if (std::string_view{header.magic.data(), kHeaderMagic.size()} != kHeaderMagic) return std::nullopt;
  if (header.hash != hash_of(&header, offsetof(Header, hash)) || !std::has_single_bit(header.user_block) ||
      header.user_block < kLeastUserBlock || header.user_block > kMostUserBlock)
    return std::nullopt;
  Journal journal{fd, path};
  journal.file_id_ = header.file_id;
  journal.user_block_ = header.user_block;
  return journal;
}

void Journal::encode(const Head& head, const RedoRanges& changed, const std::vector<Record::Direct>& direct) {
  const auto ranges = changed.as_written();
  std::size_t size = sizeof head + ranges.size() * sizeof(Place) + direct.size() * sizeof(Record::Direct);
  for (const auto* range : ranges) size += range->second.bytes.size();
  buffer_.resize(size);
  char* to = buffer_.data() + sizeof head;
  for (const auto* range : ranges) {
    const Place place{range->first, range->second.bytes.size()};
    put(to, &place, sizeof place);
  }
  if (!direct.empty()) put(to, direct.data(), direct.size() * sizeof(Record::Direct));
  for (const auto* range : ranges) put(to, range->second.bytes.data(), range->second.bytes.size());
  Head full = head;
  full.file_id = file_id_;
  full.n_changed = static_cast<std::uint32_t>(ranges.size());
  full.n_direct = static_cast<std::uint32_t>(direct.size());
  full.body_bytes = buffer_.size() - sizeof head;
  full.body_hash = hash_of(buffer_.data() + sizeof head, full.body_bytes);
  std::memcpy(buffer_.data(), &full, sizeof full);
}

Head Journal::seal(std::uint64_t body_at, std::uint32_t link) {
  Head head{};
  std::memcpy(&head, buffer_.data(), sizeof head);
  head.magic = link == 0 ? kRecordMagic : kFrameMagic;
  head.body_at = body_at;
  head.link = link;
  head.hash = head_hash(head);
  std::memcpy(buffer_.data(), &head, sizeof head);
  return head;
}

NextFrame Journal::write(unsigned slot, const NextFrame& place) {
  const std::uint64_t at = slot_at(slot) + place.at;
  const Head head = seal(at + sizeof(Head), place.link);
  core::write_all(fd_, buffer_.data(), buffer_.size(), at, path_, make_room_);
  return {behind(head, place.at), link_to(head)};
}

void Journal::write_body(std::uint64_t at) {
  (void)seal(at, 0);
  core::write_all(fd_, buffer_.data() + sizeof(Head), body_bytes(), at, path_, make_room_);
}

void Journal::write_head(unsigned slot) { core::write_all(fd_, buffer_.data(), sizeof(Head), slot_at(slot), path_, make_room_); }

void Journal::acknowledge(std::uint64_t sequence) {
  Mark mark{file_id_, sequence, 0};
  mark.hash = hash_of(&mark, offsetof(Mark, hash));
  core::write_all(fd_, &mark, sizeof mark, kMarkAt, path_, make_room_);
}

std::uint64_t Journal::acknowledged() const {
  Mark mark{};
  core::read_all(fd_, &mark, sizeof mark, kMarkAt, path_);
  return mark.file_id == file_id_ && mark.hash == hash_of(&mark, offsetof(Mark, hash)) ? mark.sequence : 0;
}

void Journal::wipe(unsigned slot, std::uint64_t at) {
  const Head none{};
  if (at + sizeof none <= slot_bytes()) core::write_all(fd_, &none, sizeof none, slot_at(slot) + at, path_, make_room_);
}

/// Whatever a hash says: what no writer of ours writes is no record. `end`, ranges and body decide what a recovery changes.
bool Journal::is_ours(const Head& head, unsigned slot, std::uint64_t at, std::uint64_t file_bytes) const {
  constexpr std::uint64_t kMost = INT64_MAX;
  constexpr std::uint64_t kLeastHdf5 = 48;  // a superblock of version 2
  if (head.sequence == 0 || head.sequence >= kMost || head.base > head.sequence) return false;
  if (head.clean > 1 || head.durable > 1) return false;
  if (head.samples < 0) return false;
  if (head.end > kMost || head.end < user_block_ + kLeastHdf5 || head.end > file_bytes + kMostUnwritten) return false;
  const std::uint64_t places =
      std::uint64_t{head.n_changed} * sizeof(Place) + std::uint64_t{head.n_direct} * sizeof(Record::Direct);
  if (head.body_bytes > kMostBody || places > head.body_bytes) return false;
  if (head.body_at > file_bytes || head.body_bytes > file_bytes - head.body_at) return false;
  // In its slot, or, of a record, behind the user block.
  return head.body_at == slot_at(slot) + at + sizeof(Head) ? head.body_bytes <= slot_bytes() - at - sizeof(Head)
                                                           : at == 0 && head.body_at >= user_block_;
}

/// @param at  in the slot; 0 = of a record, else of a frame
std::optional<Head> Journal::read_head(unsigned slot, std::uint64_t at) const {
  if (at + sizeof(Head) > slot_bytes()) return std::nullopt;
  Head head{};
  core::read_all(fd_, &head, sizeof head, slot_at(slot) + at, path_);
  if (head.magic != (at == 0 ? kRecordMagic : kFrameMagic) || (at == 0) != (head.link == 0)) return std::nullopt;
  if (head.hash != head_hash(head) || head.file_id != file_id_) return std::nullopt;
  if (!is_ours(head, slot, at, core::size_of(fd_, path_))) return std::nullopt;
  return head;
}

/// What an earlier use of the slot left does not name the head that is before it now.
std::optional<Head> Journal::read_next_head(unsigned slot, const Head& before, std::uint64_t at) const {
  if (before.clean != 0 || before.body_at >= user_block_) return std::nullopt;  // nothing follows
  const auto head = read_head(slot, at);
  if (!head || head->link != link_to(before) || head->sequence != before.sequence + 1) return std::nullopt;
  if (head->base < before.base || head->base > before.sequence || head->clean != 0) return std::nullopt;
  return head;
}

std::uint64_t Journal::behind(const Head& head, std::uint64_t at) const {
  const std::uint64_t end = at + sizeof(Head) + (head.body_at < user_block_ ? head.body_bytes : 0);
  return head.durable != 0 ? next_page(end) : end;
}

/// In the HDF5 part, none over another: so all together are no longer than the file.
bool Journal::are_sane(std::vector<Place> ranges, const Head& head) const {
  std::sort(ranges.begin(), ranges.end(), [](const Place& a, const Place& b) { return a.at < b.at; });
  std::uint64_t from = user_block_;
  return std::all_of(ranges.begin(), ranges.end(), [&](const Place& range) {
    if (range.size == 0 || range.at < from || range.at > head.end || range.size > head.end - range.at) return false;
    from = range.at + range.size;
    return true;
  });
}

std::optional<Record> Journal::read(unsigned slot) const {
  const auto head = read_head(slot);
  return head ? read_body(0, *head) : std::nullopt;
}

std::vector<Record> Journal::read_chain(unsigned slot) const {
  std::vector<Record> chain;
  if (auto record = read(slot)) chain.push_back(std::move(*record));
  while (!chain.empty()) {
    const Record& last = chain.back();
    const auto head = read_next_head(slot, last.head, last.next_at);
    auto frame = head ? read_body(last.next_at, *head) : std::nullopt;
    if (!frame) break;
    chain.push_back(std::move(*frame));
  }
  return chain;
}

std::optional<Record> Journal::read_body(std::uint64_t at, const Head& head) const {
  std::vector<char> body(head.body_bytes);
  core::read_all(fd_, body.data(), body.size(), head.body_at, path_);
  if (hash_of(body.data(), body.size()) != head.body_hash) return std::nullopt;
  Record record;
  record.head = head;
  record.next_at = behind(head, at);
  const std::uint64_t places =
      std::uint64_t{head.n_changed} * sizeof(Place) + std::uint64_t{head.n_direct} * sizeof(Record::Direct);
  const char* place = body.data();
  const char* contents = body.data() + places;
  std::uint64_t left = body.size() - places;
  std::vector<Place> ranges(head.n_changed);
  for (auto& range : ranges) {
    range = take<Place>(place);
    if (range.size > left) return std::nullopt;
    left -= range.size;
  }
  if (left != 0 || !are_sane(ranges, head)) return std::nullopt;
  for (const auto& range : ranges) {
    record.changed.put(range.at, {contents, range.size});
    contents += range.size;
  }
  ranges.clear();
  for (std::uint32_t i = 0; i < head.n_direct; ++i) {
    record.direct.push_back(take<Record::Direct>(place));
    ranges.push_back({record.direct.back().at, record.direct.back().size});
  }
  if (!are_sane(std::move(ranges), head)) return std::nullopt;
  return record;
}

std::optional<Head> Journal::newest_head() const {
  std::optional<Head> newest;
  for (unsigned slot = 0; slot < kSlots; ++slot)
    if (auto head = read_head(slot); head) {
      std::uint64_t at = 0;
      while (const auto next = read_next_head(slot, *head, at = behind(*head, at))) head = next;
      if (!newest || head->sequence > newest->sequence) newest = head;
    }
  return newest;
}

bool Journal::is_clean() const {
  const auto newest = newest_head();
  return !newest || newest->clean != 0;
}

std::uint64_t Journal::newest_sequence() const {
  const auto newest = newest_head();
  return newest ? newest->sequence : 0;
}

}  // namespace mth5::vfd
