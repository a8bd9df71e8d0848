#include "contents/state.hpp"

#include <array>

#include "h5/types.hpp"

namespace mth5::contents {

namespace {

constexpr int kTornReads = 100;  ///< a row takes the writer some microseconds

/// Order of doc/acquisition.md; HDF5 matches by name.
struct Row {
  std::int64_t sequence, generation, time, durable_sequence, durable_time, visible_samples, durable_samples, buffered_samples,
      writer_pid, closed, check;
};
constexpr std::array kNames{
    "sequence",        "generation",       "time",       "durable_sequence", "durable_time", "visible_samples",
    "durable_samples", "buffered_samples", "writer_pid", "closed",           "check"};
constexpr std::int64_t kClosedByRecovery = 2;  ///< in `closed`
static_assert(sizeof(Row) == kNames.size() * sizeof(std::int64_t));

}  // namespace

StateRow::StateRow(hid_t file, const std::string& path)
    : dataset_{H5Dopen2(file, "/Acquisition/state", h5::uncached_access().get()), path + ": /Acquisition/state"},
      type_{H5Tcreate(H5T_COMPOUND, sizeof(Row)), path + ": /Acquisition/state"} {
  const std::string name = path + ": /Acquisition/state";
  const h5::Space space{H5Dget_space(dataset_.get()), name};
  const h5::Datatype stored{H5Dget_type(dataset_.get()), name};
  bool good = H5Sget_simple_extent_npoints(space.get()) == 1 && H5Tget_class(stored.get()) == H5T_COMPOUND;
  for (std::size_t i = 0; good && i < kNames.size(); ++i) good = H5Tget_member_index(stored.get(), kNames[i]) >= 0;
  if (!good) throw FormatError{name + ": not the table of this layout; the file needs a newer program or is damaged"};
  for (std::size_t i = 0; i < kNames.size(); ++i)
    h5::check(H5Tinsert(type_.get(), kNames[i], i * sizeof(std::int64_t), H5T_NATIVE_INT64), name);
}

std::optional<Commit> StateRow::read() const {
  for (int look = 0; look < kTornReads; ++look) {
    Row row{};
    h5::check(H5Dread(dataset_.get(), type_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &row), "/Acquisition/state");
    if (row.check != row.sequence) continue;
    const auto time = [](std::int64_t ns) { return UtcNanos{Nanos{ns}}; };
    return Commit{.generation = row.generation,
                  .sequence = row.sequence,
                  .time = time(row.time),
                  .durable_sequence = row.durable_sequence,
                  .durable_time = time(row.durable_time),
                  .visible_samples = row.visible_samples,
                  .durable_samples = row.durable_samples,
                  .buffered_samples = row.buffered_samples,
                  .writer_pid = row.writer_pid,
                  .closed = row.closed != 0,
                  .recovered = row.closed == kClosedByRecovery};
  }
  return std::nullopt;
}

}  // namespace mth5::contents
