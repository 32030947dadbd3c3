"""Names of time zones that IANA does not have: abbreviations, and the names in Windows."""

ABBREVIATIONS = {
    abbreviation: tuple(zones.split())
    for abbreviation, zones in (
        ("ACDT", "Australia/Adelaide"),
        ("ACST", "Australia/Adelaide Australia/Darwin"),
        ("ADT", "America/Halifax"),
        ("AEDT", "Australia/Sydney Australia/Melbourne"),
        ("AEST", "Australia/Sydney Australia/Brisbane"),
        ("AKDT", "America/Anchorage"),
        ("AKST", "America/Anchorage"),
        ("ART", "America/Argentina/Buenos_Aires"),
        ("AST", "America/Halifax Asia/Riyadh"),
        ("AWST", "Australia/Perth"),
        ("BRT", "America/Sao_Paulo"),
        ("BST", "Europe/London Asia/Dhaka"),
        ("CAT", "Africa/Maputo"),
        ("CDT", "America/Chicago America/Havana"),
        ("CEST", "Europe/Berlin Europe/Paris"),
        ("CST", "America/Chicago Asia/Shanghai America/Havana"),
        ("CT", "America/Chicago"),
        ("EAT", "Africa/Nairobi"),
        ("EDT", "America/New_York"),
        ("EEST", "Europe/Athens Europe/Kyiv"),
        ("ET", "America/New_York"),
        ("GST", "Asia/Dubai"),
        ("HDT", "America/Adak"),
        ("HKT", "Asia/Hong_Kong"),
        ("ICT", "Asia/Bangkok"),
        ("IDT", "Asia/Jerusalem"),
        ("IST", "Asia/Kolkata Europe/Dublin Asia/Jerusalem"),
        ("JST", "Asia/Tokyo"),
        ("KST", "Asia/Seoul"),
        ("MDT", "America/Denver"),
        ("MESZ", "Europe/Berlin"),
        ("MEZ", "Europe/Berlin"),
        ("MSK", "Europe/Moscow"),
        ("MT", "America/Denver"),
        ("NDT", "America/St_Johns"),
        ("NST", "America/St_Johns"),
        ("NZDT", "Pacific/Auckland"),
        ("NZST", "Pacific/Auckland"),
        ("PDT", "America/Los_Angeles"),
        ("PHT", "Asia/Manila"),
        ("PKT", "Asia/Karachi"),
        ("PST", "America/Los_Angeles Asia/Manila"),
        ("PT", "America/Los_Angeles"),
        ("SAST", "Africa/Johannesburg"),
        ("SGT", "Asia/Singapore"),
        ("SST", "Pacific/Pago_Pago"),
        ("TRT", "Europe/Istanbul"),
        ("WAT", "Africa/Lagos"),
        ("WEST", "Europe/Lisbon"),
        ("WIB", "Asia/Jakarta"),
        ("WIT", "Asia/Jayapura"),
        ("WITA", "Asia/Makassar"),
    )
}
"""Zones that an abbreviation may mean, likely ones first; without those that IANA has itself (EST, CET)."""

_CITIES = """
Pacific/Pago_Pago Pacific/Honolulu America/Anchorage America/Los_Angeles America/Phoenix America/Denver
America/Mexico_City America/Chicago America/Bogota America/New_York America/Caracas America/Halifax
America/St_Johns America/Sao_Paulo America/Argentina/Buenos_Aires America/Noronha America/Nuuk
Atlantic/Azores Atlantic/Cape_Verde Atlantic/Reykjavik Europe/London Africa/Lagos Europe/Berlin
Africa/Johannesburg Europe/Athens Africa/Nairobi Europe/Istanbul Asia/Tehran Asia/Dubai Asia/Kabul
Asia/Karachi Asia/Kolkata Asia/Kathmandu Asia/Dhaka Asia/Yangon Asia/Bangkok Asia/Shanghai
Australia/Perth Australia/Eucla Asia/Tokyo Australia/Darwin Australia/Adelaide Australia/Brisbane
Australia/Sydney Australia/Lord_Howe Pacific/Guadalcanal Pacific/Fiji Pacific/Auckland Pacific/Chatham
Pacific/Tongatapu Pacific/Kiritimati Pacific/Marquesas
"""

CITIES = _CITIES.split()
"""At least one city for every offset in use."""

_OF_WINDOWS = """
Afghanistan = Asia/Kabul
Alaska = America/Anchorage
Alaskan = America/Anchorage
Aleutian = America/Adak
Altai = Asia/Barnaul
Arab = Asia/Riyadh
Arabian = Asia/Dubai
Arabic = Asia/Baghdad
Argentina = America/Argentina/Buenos_Aires
Astrakhan = Europe/Astrakhan
Atlantic = America/Halifax
AUS Central = Australia/Darwin
Aus Central W. = Australia/Eucla
AUS Eastern = Australia/Sydney
Azerbaijan = Asia/Baku
Azores = Atlantic/Azores
Bahia = America/Bahia
Bangladesh = Asia/Dhaka
Belarus = Europe/Minsk
Bougainville = Pacific/Bougainville
British = Europe/London
Canada Central = America/Regina
Cape Verde = Atlantic/Cape_Verde
Caucasus = Asia/Yerevan
Cen. Australia = Australia/Adelaide
Central (Mexico) = America/Mexico_City
Central = America/Chicago
Central America = America/Guatemala
Central Asia = Asia/Almaty
Central Brazilian = America/Cuiaba
Central Europe = Europe/Budapest
Central European = Europe/Warsaw
Central Pacific = Pacific/Guadalcanal
Chatham Islands = Pacific/Chatham
China = Asia/Shanghai
Coordinated Universal = UTC
Cuba = America/Havana
Dateline = Etc/GMT+12
E. Africa = Africa/Nairobi
E. Australia = Australia/Brisbane
E. Europe = Europe/Chisinau
E. South America = America/Sao_Paulo
Easter Island = Pacific/Easter
Eastern (Mexico) = America/Cancun
Eastern = America/New_York
Egypt = Africa/Cairo
Ekaterinburg = Asia/Yekaterinburg
Fiji = Pacific/Fiji
FLE = Europe/Kyiv
Georgian = Asia/Tbilisi
GMT = Europe/London
Greenland = America/Nuuk
Greenwich = Atlantic/Reykjavik
Greenwich Mean = Etc/GMT
GTB = Europe/Bucharest
Haiti = America/Port-au-Prince
Hawaii-Aleutian = Pacific/Honolulu
Hawaiian = Pacific/Honolulu
India = Asia/Kolkata
Iran = Asia/Tehran
Israel = Asia/Jerusalem
Japan = Asia/Tokyo
Jordan = Asia/Amman
Kaliningrad = Europe/Kaliningrad
Kamchatka = Asia/Kamchatka
Korea = Asia/Seoul
Libya = Africa/Tripoli
Line Islands = Pacific/Kiritimati
Lord Howe = Australia/Lord_Howe
Magadan = Asia/Magadan
Magallanes = America/Punta_Arenas
Marquesas = Pacific/Marquesas
Mauritius = Indian/Mauritius
Middle East = Asia/Beirut
Montevideo = America/Montevideo
Morocco = Africa/Casablanca
Mountain (Mexico) = America/Mazatlan
Mountain = America/Denver
Myanmar = Asia/Yangon
N. Central Asia = Asia/Novosibirsk
Namibia = Africa/Windhoek
Nepal = Asia/Kathmandu
New Zealand = Pacific/Auckland
Newfoundland = America/St_Johns
Norfolk = Pacific/Norfolk
North Asia = Asia/Krasnoyarsk
North Asia East = Asia/Irkutsk
North Korea = Asia/Pyongyang
Omsk = Asia/Omsk
Pacific (Mexico) = America/Tijuana
Pacific = America/Los_Angeles
Pacific SA = America/Santiago
Pakistan = Asia/Karachi
Paraguay = America/Asuncion
Qyzylorda = Asia/Qyzylorda
Romance = Europe/Paris
Russia Time Zone 10 = Asia/Srednekolymsk
Russia Time Zone 11 = Asia/Kamchatka
Russia Time Zone 3 = Europe/Samara
Russian = Europe/Moscow
SA Eastern = America/Cayenne
SA Pacific = America/Bogota
SA Western = America/La_Paz
Saint Pierre = America/Miquelon
Sakhalin = Asia/Sakhalin
Samoa = Pacific/Apia
Sao Tome = Africa/Sao_Tome
Saratov = Europe/Saratov
SE Asia = Asia/Bangkok
Singapore = Asia/Singapore
South Africa = Africa/Johannesburg
South Sudan = Africa/Juba
Sri Lanka = Asia/Colombo
Sudan = Africa/Khartoum
Syria = Asia/Damascus
Taipei = Asia/Taipei
Tasmania = Australia/Hobart
Tocantins = America/Araguaina
Tokyo = Asia/Tokyo
Tomsk = Asia/Tomsk
Tonga = Pacific/Tongatapu
Transbaikal = Asia/Chita
Turkey = Europe/Istanbul
Turks And Caicos = America/Grand_Turk
Ulaanbaatar = Asia/Ulaanbaatar
US Eastern = America/Indiana/Indianapolis
US Mountain = America/Phoenix
Venezuela = America/Caracas
Vladivostok = Asia/Vladivostok
Volgograd = Europe/Volgograd
W. Australia = Australia/Perth
W. Central Africa = Africa/Lagos
W. Europe = Europe/Berlin
W. Mongolia = Asia/Hovd
West Asia = Asia/Tashkent
West Bank = Asia/Hebron
West Pacific = Pacific/Port_Moresby
Yakutsk = Asia/Yakutsk
Yukon = America/Whitehorse
"""

WINDOWS = {
    name.lower(): zone
    for name, _, zone in (line.partition(" = ") for line in _OF_WINDOWS.strip().splitlines())
}
"""CLDR's windowsZones without territories, and other long names; in small letters, without Standard Time."""
