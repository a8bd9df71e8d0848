#include "file/acquisition_tables.hpp"

#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <vector>

#include "h5/types.hpp"
#include "mth5/file.hpp"

namespace mth5 {

TableSpec state_table() {
  TableSpec spec{"state", {}, "what was last committed; one row, overwritten in place", 1};
  for (const char* name : {"sequence", "generation", "time", "durable_sequence", "durable_time", "visible_samples",
                           "durable_samples", "buffered_samples", "writer_pid", "closed", "check"})
    spec.columns.push_back({name, Column::Type::Int64, 0, ""});
  return spec;
}

h5::Datatype table_type(const TableSpec& spec) {
  h5::Datatype type{H5Tcreate(H5T_COMPOUND, spec.row_bytes()), spec.name};
  std::size_t offset = 0;
  for (const auto& column : spec.columns) {
    const h5::Datatype text = column.type == Column::Type::Text ? h5::fixed_text(column.text_bytes) : h5::Datatype{};
    const hid_t member = text ? text.get() : column.type == Column::Type::Int64 ? H5T_STD_I64LE : H5T_IEEE_F64LE;
    h5::check(H5Tinsert(type.get(), column.name.c_str(), offset, member), spec.name + ": column " + column.name);
    offset += column.bytes();
  }
  return type;
}

void create_acquisition_table(hid_t file, const TableSpec& spec, hsize_t rows) {
  const std::string path = "/Acquisition/" + spec.name;
  const h5::Datatype type = table_type(spec);
  const hsize_t unlimited = H5S_UNLIMITED;
  const hsize_t chunk = spec.chunk;
  const h5::Space space{H5Screate_simple(1, &rows, &unlimited), path};
  const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), path};
  h5::check(H5Pset_chunk(create.get(), 1, &chunk), path);
  h5::check(H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER), path);
  const h5::PropertyList link{H5Pcreate(H5P_LINK_CREATE), path};
  h5::check(H5Pset_create_intermediate_group(link.get(), 1), path);
  h5::Dataset table{H5Dcreate2(file, path.c_str(), type.get(), space.get(), link.get(), create.get(), H5P_DEFAULT), path};
  std::vector<std::string> units;
  for (const auto& column : spec.columns) units.push_back(column.units);
  h5::write_attribute(table.get(), "description", spec.description);
  h5::write_attribute(table.get(), "units", units);
  if (rows == 0) return;
  const std::vector<char> zeros(spec.row_bytes() * rows);
  h5::check(H5Dwrite(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data()), path);
  table.close(path);  // writes the row, which may fail
}

namespace {

constexpr std::int64_t kLayout = 2;  ///< of the tables under /Acquisition: doc/acquisition.md

/// UUID of version 4 (RFC 9562): 122 random bits.
std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  ssize_t n = getrandom(bytes.data(), bytes.size(), 0);
  while (n < 0 && errno == EINTR) n = getrandom(bytes.data(), bytes.size(), 0);
  if (n != static_cast<ssize_t>(bytes.size())) {
    const std::error_code code{errno, std::generic_category()};
    throw FileError{"a new file's uuid: no random bytes: " + code.message(), code};
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
    text += hex;
  }
  return text;
}

}  // namespace

void give_uuid(hid_t acquisition) {
  if (h5::check(H5Aexists(acquisition, "file_uuid"), "/Acquisition") == 0)
    h5::write_attribute(acquisition, "file_uuid", new_uuid());
}

void create_acquisition(hid_t file, const std::string& software) {
  const h5::Group group{H5Gcreate2(file, "Acquisition", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), "/Acquisition"};
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  h5::write_attribute(group.get(), "layout", kLayout);
  give_uuid(group.get());
  h5::write_attribute(group.get(), "software", software);
  h5::write_attribute(group.get(), "hdf5", version_text());
  h5::write_attribute(group.get(), "writer_pid", std::int64_t{getpid()});
  h5::write_attribute(group.get(), "writer_host", std::string{host});
  h5::write_attribute(group.get(), "started", to_mth5_time(host_now()));
  create_acquisition_table(file, state_table(), 1);
}

void create_survey_groups(hid_t survey) {
  (void)h5::create_group(survey, "Stations", "MasterStation");
  (void)h5::create_group(survey, "Reports", "Reports");
  (void)h5::create_group(survey, "Standards", "Standards");
  // Python cannot read a channel of a survey without them: it tries to create what is missing (mth5-format 1.4).
  const auto filters = h5::create_group(survey, "Filters", "Filters");
  for (const char* kind : {"coefficient", "fap", "fir", "time_delay", "zpk"}) (void)h5::create_group(filters.get(), kind, {});
}

void create_station_groups(hid_t station) {
  for (const auto& [name, type] : {std::pair{"Transfer_Functions", "TransferFunctions"},
                                   {"Fourier_Coefficients", "MasterFC"},
                                   {"Features", "MasterFeatures"}})
    if (h5::check(H5Lexists(station, name, H5P_DEFAULT), name) == 0) (void)h5::create_group(station, name, type);
}

std::string platform_text() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return std::string{name.sysname} + " " + name.release + " " + name.machine;
}

}  // namespace mth5
