#include "support/hostile_file.hpp"

#include <hdf5.h>

#include <stdexcept>

#include "support/acquisition_file.hpp"

namespace support {

namespace {

void need(bool good, const char* what) {
  if (!good) throw std::runtime_error{what};
}

void rename(hid_t file, const std::string& from, const std::string& to) {
  need(H5Lmove(file, from.c_str(), file, to.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0, "hostile file: renaming");
}

void set_text(hid_t file, const std::string& object, const char* name, const std::string& value) {
  const hid_t owner = H5Oopen(file, object.c_str(), H5P_DEFAULT);
  need(owner >= 0, "hostile file: object");
  H5Adelete(owner, name);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(owner, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const char* text = value.c_str();
  need(attribute >= 0 && H5Awrite(attribute, type, &text) >= 0, "hostile file: attribute");
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Oclose(owner);
}

}  // namespace

const HostileNames& hostile_names() {
  static const HostileNames names{
      "SU\x1b]0;owned\x07RVEY",
      "S1\x1b[2J\x1b[31m\nState    live",
      "r\xc2\x9b"
      "31m\u202Eevil\u2066",
      {"=cmd|' C calc'!A0", "@SUM(1),\"quoted\"\x7f\r\xff\xfe"},
  };
  return names;
}

void write_hostile_file(const std::filesystem::path& path) {
  const auto& names = hostile_names();
  {
    AcquisitionFile file{path, {{0, "lemi\x1b[5m", "S1", 1}}};
    const auto run = file.add_run(0, "r1", std::chrono::seconds{0});
    file.append(run, 50);
    file.reason("skipped", 0, "gar\x1b[7mbage", 3);
    file.gap(0, "", std::chrono::seconds{10}, 5, "why\x9b\u202E", "r1\x1b", "r1\x1b", true);
    file.anchor("r1", 0, AcquisitionFile::start(), "g\x1bps", 0, 1, true);
    file.commit(1, AcquisitionFile::start(), {{103, 100, 0, 3}}, {{50, 50}});
    file.file().close();
  }
  // The library refuses such names; HDF5 does not.
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  need(file >= 0, "hostile file: opening");
  const std::string surveys = "/Experiment/Surveys/";
  rename(file, surveys + "TEST", surveys + names.survey);
  const std::string stations = surveys + names.survey + "/Stations/";
  rename(file, stations + "S1", stations + names.station);
  const std::string run = stations + names.station + "/" + names.run;
  rename(file, stations + names.station + "/r1", run);
  rename(file, run + "/ex", run + "/" + names.components[0]);
  rename(file, run + "/ey", run + "/" + names.components[1]);
  set_text(file, run + "/" + names.components[0], "units", "m\x1b[1mV\u202E");
  need(H5Fclose(file) >= 0, "hostile file: closing");
}

}  // namespace support
