#include "image.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <unordered_map>

namespace crash {

namespace {

constexpr std::size_t kPage = 4096, kSector = 512;

/// Each unit of the file in one of the versions it had; the size too.
Bytes in_versions(const Bytes& stable, const std::vector<const Event*>& calls, std::size_t unit, Random& random) {
  const std::uint64_t salt = random.next();
  std::unordered_map<std::size_t, std::uint64_t> versions;
  // Calls back with each piece [begin, end) of one unit that a call changes.
  const auto pieces = [&](const Event& call, std::size_t size_before,
                          const std::function<void(std::size_t, std::size_t)>& piece) {
    std::size_t begin = static_cast<std::size_t>(call.offset), end = begin + call.data_size;
    if (call.kind == Kind::Allocate) return;
    if (call.kind == Kind::Resize) begin = static_cast<std::size_t>(call.size), end = std::max(begin, size_before);
    for (std::size_t at = begin; at < end; at = (at / unit + 1) * unit) piece(at, std::min(end, (at / unit + 1) * unit));
  };
  std::vector<std::size_t> sizes{stable.size()};
  const auto size_after = [&](const Event& call, std::size_t before) {
    if (call.kind == Kind::Resize) return static_cast<std::size_t>(call.size);
    const auto length = call.kind == Kind::Write ? static_cast<std::int64_t>(call.data_size) : call.size;
    return std::max(before, static_cast<std::size_t>(call.offset + length));
  };
  for (const auto* call : calls) {
    pieces(*call, sizes.back(), [&](std::size_t at, std::size_t) { ++versions[at / unit]; });
    sizes.push_back(size_after(*call, sizes.back()));
  }
  for (auto& [index, count] : versions) count = Random::mix(salt + Random::kStep * index) % (count + 1);
  Bytes content = stable;
  content.resize(*std::max_element(sizes.begin(), sizes.end()));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    pieces(*calls[i], sizes[i], [&](std::size_t at, std::size_t end) {
      auto& left = versions[at / unit];
      if (left == 0) return;
      --left;
      if (calls[i]->kind == Kind::Write)
        std::memcpy(content.data() + at, calls[i]->data + (at - static_cast<std::size_t>(calls[i]->offset)), end - at);
      else
        std::memset(content.data() + at, 0, end - at);
    });
  }
  content.resize(sizes[random.below(sizes.size())]);
  return content;
}

}  // namespace

char letter(Model model) { return "PSGTAJK"[static_cast<std::size_t>(model)]; }

std::optional<Model> model_from(char wanted) {
  for (const auto model : kModels)
    if (letter(model) == wanted) return model;
  return std::nullopt;
}

void Images::settle(std::uint64_t inode) {
  // The oldest sync under way is taken for the one that returned: it covers least.
  auto& marks = in_sync_[inode];
  if (marks.empty()) return;
  const std::size_t covered = marks.front();
  marks.erase(marks.begin());
  const bool is_file = calls_.contains(inode) || stable_.files.contains(inode);
  auto& calls = is_file ? calls_[inode] : name_calls_;
  const std::size_t n = std::min(covered, calls.size());
  for (std::size_t i = 0; i < n; ++i) stable_.apply(*calls[i]);
  calls.erase(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(n));
  for (auto& mark : marks) mark -= std::min(mark, n);
}

void Images::advance(std::size_t cut) {
  for (; next_ < cut; ++next_) {
    const Event& event = recording_.events[next_];
    if (is_content(event.kind)) calls_[event.inode].push_back(&event);
    if (is_name(event)) {
      name_calls_.push_back(&event);
      calls_[event.inode];
    }
    const bool is_file = calls_.contains(event.inode) || stable_.files.contains(event.inode);
    if (event.kind == Kind::SyncBegin) in_sync_[event.inode].push_back(is_file ? calls_[event.inode].size() : name_calls_.size());
    if (event.kind == Kind::SyncEnd && event.size == 0) settle(event.inode);
    if (event.kind == Kind::SyncEnd && event.size != 0 && !in_sync_[event.inode].empty()) in_sync_[event.inode].pop_back();
  }
}

Bytes Images::content(const Bytes& stable, const std::vector<const Event*>& calls, Model model, Random& random) const {
  const auto in_journal = [&](const Event& call) {
    return call.kind == Kind::Write && static_cast<std::size_t>(call.offset) + call.data_size <= recording_.user_block;
  };
  if (model == Model::Pages) return in_versions(stable, calls, kPage, random);
  if (model == Model::Sectors) return in_versions(stable, calls, kSector, random);
  Bytes content = stable;
  if (model == Model::Journal && random.coin()) {
    std::vector<const Event*> others;
    std::copy_if(calls.begin(), calls.end(), std::back_inserter(others), [&](const Event* call) { return !in_journal(*call); });
    content = in_versions(stable, others, kSector, random);
    for (const auto* call : calls)
      if (in_journal(*call)) apply_call(*call, content);
    return content;
  }
  const std::size_t n = model == Model::Prefix ? random.below(calls.size() + 1) : calls.size();
  for (std::size_t i = 0; i < n; ++i) {
    const Event& call = *calls[i];
    const bool in_place = call.kind == Kind::Write && static_cast<std::size_t>(call.offset) < stable.size() && !in_journal(call);
    if (model == Model::Subset && random.coin()) continue;
    if (model == Model::Unapplied && in_place) continue;
    if (model == Model::Journal && !in_journal(call) && random.coin()) continue;
    apply_call(call, content);
  }
  return content;
}

Disk Images::at(std::size_t cut, Model model, Random& random) {
  advance(cut);
  Disk disk;
  disk.names = stable_.names;
  const bool all_names = model == Model::Killed || model == Model::Unapplied;
  const std::size_t n_names = all_names ? name_calls_.size() : random.below(name_calls_.size() + 1);
  Disk names = {stable_.names, {}};
  for (std::size_t i = 0; i < n_names; ++i) names.apply(*name_calls_[i]);
  disk.names = names.names;
  for (const auto& [name, inode] : disk.names) {
    if (name != recording_.target) continue;  // nobody opens the others
    static const Bytes kEmpty;
    const auto stable = stable_.files.find(inode);
    Bytes& made = disk.files[inode];
    made = content(stable == stable_.files.end() ? kEmpty : stable->second, calls_[inode], model, random);
    if (model != Model::Killed || cut == recording_.events.size() || !random.coin()) continue;
    Event torn = recording_.events[cut];
    const auto first_page = kPage - static_cast<std::size_t>(torn.offset) % kPage;
    if (torn.kind != Kind::Write || torn.inode != inode || torn.data_size <= first_page) continue;
    torn.data_size = first_page + kPage * random.below((torn.data_size - first_page + kPage - 1) / kPage);
    apply_call(torn, made);
  }
  return disk;
}

}  // namespace crash
